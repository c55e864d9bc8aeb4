"""The resources that GitHub limits apart, each a pool.

Names and windows: GitHub's REST reference, "Rate limit", and the resets of its answers.
"""

from __future__ import annotations

from typing import Final

from ratelord_core.model.instant import HOUR, MINUTE, Micros
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window

CORE: Final = "core"
"""What every REST call draws from that no other resource names."""

WINDOWS: Final[dict[str, Micros]] = {
    CORE: HOUR,
    "graphql": HOUR,
    "search": MINUTE,
    "code_search": MINUTE,
    "actions_runner_registration": HOUR,
    "audit_log": HOUR,
    "audit_log_streaming": HOUR,
    "code_scanning_autofix": MINUTE,
    "code_scanning_upload": HOUR,
    "dependency_sbom": MINUTE,
    "dependency_snapshots": MINUTE,
    "integration_manifest": HOUR,
    "scim": HOUR,
    "source_import": MINUTE,
}
"""How long the window of each documented resource is."""


def pool_of(provider_id: str, resource: str) -> Pool:
    """The pool of a resource, its limit yet unknown; only ``core`` is drawn from by default.

    Of a resource that is not documented only the next reset can be known.
    """
    return Pool(
        provider_id,
        resource,
        unit=unit_of(resource),
        window=Window(kind="fixed", every=WINDOWS.get(resource)),
        default=resource == CORE,
    )


def unit_of(resource: str) -> str:
    """GraphQL is charged in points, everything else in requests."""
    return "points" if resource == "graphql" else "requests"
