"""What changed between two policy documents, by the names of the things in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from ratelord_core.model.config import Document, PolicyConfig

MOST = 100
"""Names that a list holds; of more it says how many."""


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """Things by kind and name (``rule shedding/night``, ``pool budget/daily``, ``setting
    hold_ttl``): those that are new, gone, or say something else."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def text(self) -> str:
        """In one line: ``+ rule a/b; - pool c/d; ~ setting e``; "" if nothing changed."""
        marked = (("+", self.added), ("-", self.removed), ("~", self.changed))
        return "; ".join(f"{mark} {name}" for mark, names in marked for name in names)


def difference(before: Document, after: Document) -> Difference:
    """What one document has that the other has not, and what both have but not alike. Rules that
    only stand in another order count as changed, for then others go first."""
    old, new = dict(_things(before)), dict(_things(after))
    changed = [name for name in new if name in old and old[name] != new[name]]
    if before.version != after.version and not changed and old.keys() == new.keys():
        changed = ["order of policies"]
    return Difference(
        _bounded(name for name in new if name not in old),
        _bounded(name for name in old if name not in new),
        _bounded(changed),
    )


def _bounded(names: Iterable[str]) -> tuple[str, ...]:
    found = list(names)
    more = len(found) - MOST
    return (*found[:MOST], f"{more} more") if more > 0 else tuple(found)


def _things(document: Document) -> Iterator[tuple[str, Any]]:
    """Everything that a document says, by kind and name, without where it stands."""
    limits = {f"policy/{policy.id}" for policy in document.policies}
    topology = document.topology
    yield from ((f"provider {one.id}", one) for one in document.providers)
    yield from ((f"pool {one.key}", one) for one in document.pools if one.key not in limits)
    yield from ((f"pool {one.key}", one) for one in document.overrides)
    yield from ((f"identity {one.identity_id}", one) for one in topology.identities)
    maps: dict[str, dict[str, Any]] = {
        "workload": topology.workloads,
        "scope": topology.scopes,
        "agent": topology.agents,
        "prices of": document.pricing,
        "unit of": document.units,
    }
    for kind, named in maps.items():
        yield from ((f"{kind} {name}", said) for name, said in named.items())
    for policy in document.policies:
        yield from _policy(policy)
    yield from ((f"tool {one.match}", replace(one, line=0, column=0)) for one in document.tools)
    for section in ("settings", "retention"):
        for name, said in msgspec.structs.asdict(getattr(document, section)).items():
            yield f"{section.removesuffix('s')} {name}", said


def _policy(policy: PolicyConfig) -> Iterator[tuple[str, Any]]:
    yield f"policy {policy.id}", replace(policy, rules=(), line=0)
    for rule in policy.rules:
        yield f"rule {policy.id}/{rule.name}", replace(rule, line=0, column=0)
