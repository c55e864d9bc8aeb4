"""Reads ``expect``: what the answer to a question must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import yaml

from ratelord_core.model.instant import SECOND
from ratelord_core.policy.fields import Fields, Reader, entries
from ratelord_core.policy.reading import Reading
from ratelord_core.policy.values import is_null, names, number, one_of, plain, span, text, whole
from ratelord_core.proving.reading_given import place_of
from ratelord_core.proving.terms import Between, Check

DECISIONS: Final = {
    "approve": ("approve",),
    "approve_with_modifications": ("approve_with_modifications",),
    "modify": ("approve_with_modifications",),
    "deny_with_reason": ("deny_with_reason",),
    "deny": ("deny_with_reason",),
    "allow": ("approve", "approve_with_modifications"),
}
"""What a case may expect, and the decisions that it means."""
REASON_CODES: Final = (
    "ok", "policy", "pool_exhausted", "risk_too_high", "budget_exceeded", "wait_too_long",
    "identity_revoked", "identity_quarantined", "identity_unknown", "provider_degraded",
    "forecast_stale",
)  # fmt: skip


def read_checks(node: yaml.Node | None, path: str, reading: Reading) -> tuple[Check, ...]:
    """Everything that a mapping expects, in the order in which it is written."""
    if node is None:
        return ()
    fields = Fields(node, path, reading)
    given = entries(node, path, reading)
    for key in EXPECTED:
        fields.at(key)
    found = [
        check
        for key, reader in EXPECTED.items()
        if key in given and (check := _check(fields, key, given[key][1], reader)) is not None
    ]
    fields.close()
    return tuple(sorted(found, key=lambda one: (one.place.line, one.place.column)))


def _check(fields: Fields, key: str, node: yaml.Node, reader: Reader[Any]) -> Check | None:
    if is_null(node):
        if key in _MAY_BE_NOTHING:
            return Check(key, None, place_of(node))
        return None
    wanted = reader(node, fields.path_of(key), fields.reading)
    return None if wanted is None else Check(key, wanted, place_of(node))


def _bounds(one: Reader[float]) -> Reader[Between]:
    """A reader of a value, or of ``{min, max}``."""

    def read(node: yaml.Node, path: str, reading: Reading) -> Between | None:
        if not isinstance(node, yaml.MappingNode):
            value = one(node, path, reading)
            return None if value is None else Between(value, value)
        fields = Fields(node, path, reading)
        least, most = fields.get(one, 0.0, "min"), fields.get(one, float("inf"), "max")
        fields.close()
        return Between(least, most)

    return read


def _seconds(node: yaml.Node, path: str, reading: Reading) -> float | None:
    found = span(node, path, reading)
    return None if found is None else found / SECOND


def _mapping(value: Reader[Any]) -> Reader[dict[str, Any]]:
    def read(node: yaml.Node, path: str, reading: Reading) -> dict[str, Any]:
        return {
            key: value(inner, f"{path}.{key}", reading)
            for key, (_, inner) in entries(node, path, reading).items()
        }

    return read


def _anything(node: yaml.Node, _path: str, _reading: Reading) -> Any:
    return plain(node)


EXPECTED: Final[dict[str, Callable[[yaml.Node, str, Reading], Any]]] = {
    "decision": one_of(*DECISIONS),
    "reason_code": one_of(*REASON_CODES),
    "reason": text,
    "rule": text,
    "rules": names,
    "wait": _bounds(_seconds),
    "retry_after": _bounds(_seconds),
    "identity": text,
    "route": _mapping(text),
    "protocol": text,
    "degrade": text,
    "max_cost": whole,
    "modifications": _mapping(_anything),
    "warnings": names,
    "holds": _mapping(whole),
    "cost_microusd": _bounds(number),
    "approved": _bounds(number),
}
"""Everything that may be expected, and how it is read."""
_MAY_BE_NOTHING = frozenset({"rule", "identity", "route", "protocol", "degrade", "max_cost"})
"""What may be expected not to be there."""
