"""GitHub's way to speak."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ratelord.capturing.speech import Asked, Plain, Speech, Usage

_GRAPHQL: Final = "graphql"
_GITHUB_RESOURCES: Final = (
    ("/search/code", "code_search"),
    ("/search/", "search"),
    ("/app-manifests/", "integration_manifest"),
    ("/code-scanning/sarifs", "code_scanning_upload"),
    ("/dependency-graph/snapshots", "dependency_snapshots"),
    ("/dependency-graph/sbom", "dependency_sbom"),
    ("/actions/runners/registration-token", "actions_runner_registration"),
    ("/audit-log", "audit_log"),
    ("/scim/", "scim"),
)


class _RateLimit(msgspec.Struct):
    cost: int


class _Data(msgspec.Struct, rename="camel"):
    rate_limit: _RateLimit


class _Answer(msgspec.Struct):
    data: _Data


_QUERIED: Final = msgspec.json.Decoder(_Answer)


class Github(Plain):
    """REST and GraphQL: a call draws a unit of the resource that its path belongs to, and a query
    that asks for ``rateLimit { cost }`` as many as it says."""

    name = "github"

    def asked(self, method: str, path: str, content: Any) -> Asked | None:
        if path.endswith("/rate_limit"):
            return None  # asking how much is left is free
        named = (pool for part, pool in _GITHUB_RESOURCES if part in path)
        return Asked(pool=next(named, _GRAPHQL if path.endswith("/graphql") else "core"))

    def read(self, body: bytes) -> Any:
        """The cost of a query; all else is skipped, however much it is."""
        try:
            return _QUERIED.decode(body).data.rate_limit.cost
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    def used(self, pieces: Iterable[Any]) -> Usage | None:
        costs = [one for one in pieces if type(one) is int and 0 < one < 1 << 53]
        return Usage(pools=((_GRAPHQL, costs[-1]),)) if costs else None

    def error(self, status: int, reason: str) -> Any:
        return {"message": reason, "status": str(status)}


GITHUB: Final[Speech] = Github()
