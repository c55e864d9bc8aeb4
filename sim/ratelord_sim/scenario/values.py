"""Single values of a scenario file, beside those that it shares with policy files."""

from __future__ import annotations

import re
from typing import Any

import yaml

from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.instant import Micros, from_text
from ratelord_core.model.span import parse_span
from ratelord_core.policy import values
from ratelord_core.policy.reading import Reading, nearest

_NANOS = re.compile(r"[+-]?[0-9][0-9_]*")
_LEAST_NANOS = 1_000_000
"""A smaller number is no duration that anybody means: it was written in seconds."""

PRIORITIES = {
    "low": "background",
    "background": "background",
    "normal": "normal",
    "medium": "normal",
    "high": "high",
    "critical": "high",
}
CONDITIONS = {
    "==": "==", "=": "==", "eq": "==", "equals": "==",
    "!=": "!=", "ne": "!=",
    ">": ">", "gt": ">", "above": ">",
    ">=": ">=", "=>": ">=", "gte": ">=", "ge": ">=", "at_least": ">=",
    "<": "<", "lt": "<", "below": "<",
    "<=": "<=", "=<": "<=", "lte": "<=", "le": "<=", "at_most": "<=",
}  # fmt: skip


def span(node: yaml.Node, path: str, reading: Reading) -> Micros | None:
    """A duration in µs: ``30s``, ``1h30m``, ``250ms``; a bare whole number is nanoseconds."""
    written = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    if not _NANOS.fullmatch(written):
        if written.replace(".", "", 1).isdigit():
            message = f"{written!r} has no unit"
            reading.found(node, path, message, f"write {written}s, or whole nanoseconds")
            return None
        return _with_unit(written, node, path, reading)
    nanos = int(written.replace("_", ""))
    if nanos == 0 or nanos >= _LEAST_NANOS:
        return -(-nanos // 1000)
    hint = f"write {written}s for seconds"
    reading.found(node, path, f"{written} without a unit is nanoseconds", hint)
    return None


def _with_unit(written: str, node: yaml.Node, path: str, reading: Reading) -> Micros | None:
    try:
        return parse_span(written)
    except ValueError:
        message = f"{written[:60]!r} is not a length of time"
        reading.found(node, path, message, "write 500ms, 30s, 5m, 1h30m, 7d, up to 100 years")
        return None


def long_span(node: yaml.Node, path: str, reading: Reading) -> Micros | None:
    """A duration above 0."""
    found = span(node, path, reading)
    if found != 0:
        return found
    reading.found(node, path, "must be longer than 0")
    return None


def signed_span(node: yaml.Node, path: str, reading: Reading) -> Micros | None:
    """A duration that may go backwards: ``-5m``."""
    written = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    if not written.startswith("-"):
        return span(node, path, reading)
    ahead = yaml.ScalarNode(node.tag, written[1:], node.start_mark, node.end_mark)
    found = span(ahead, path, reading)
    return None if found is None else -found


def instant(node: yaml.Node, path: str, reading: Reading) -> Micros | None:
    """An instant with its time zone: ``2026-03-29T00:00:00Z``."""
    written = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    try:
        return from_text(written)
    except ValueError:
        hint = "write 2026-03-29T00:00:00Z"
        reading.found(node, path, f"{written!r} is not an instant with a time zone", hint)
        return None


def count(node: yaml.Node, path: str, reading: Reading) -> int | None:
    """A whole number of at least 1."""
    found = values.whole(node, path, reading)
    if found != 0:
        return found
    reading.found(node, path, "must be at least 1")
    return None


def share(node: yaml.Node, path: str, reading: Reading) -> float | None:
    """A part of everything, from 0 to 1; ``true`` is all of it, ``false`` nothing."""
    said = values.plain(node)
    if isinstance(said, bool):
        return float(said)
    if isinstance(said, (int, float)) and 0 <= said <= 1:
        return float(said)
    reading.found(node, path, f"must be true, false or a number from 0 to 1, not {said!r}")
    return None


def honesty(node: yaml.Node, path: str, reading: Reading) -> float | None:
    """The share of actions that are reported: 0 to 1, ``honest`` or ``silent``."""
    words = {"honest": 1.0, "silent": 0.0}
    said = values.plain(node)
    return words[said] if said in words else share(node, path, reading)


def signed(node: yaml.Node, path: str, reading: Reading) -> float | None:
    """Any number."""
    said = values.plain(node)
    if isinstance(said, (int, float)) and not isinstance(said, bool):
        return float(said)
    if isinstance(said, bool):
        return float(said)
    reading.found(node, path, f"must be a number, not {said!r}")
    return None


def priority(node: yaml.Node, path: str, reading: Reading) -> str | None:
    """How urgent a group's work is, in the engine's three words or in the plain four."""
    return _word(PRIORITIES, node, path, reading)


def condition(node: yaml.Node, path: str, reading: Reading) -> str | None:
    """A comparison, as a sign or as a word."""
    return _word(CONDITIONS, node, path, reading)


def _word(known: dict[str, str], node: yaml.Node, path: str, reading: Reading) -> str | None:
    said = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    if said in known:
        return known[said]
    shown = ", ".join(known)
    reading.found(node, path, f"{said!r} is not one of {shown}", nearest(said, known, few=0))
    return None


def pool_name(node: yaml.Node, path: str, reading: Reading) -> str | None:
    """A pool's key, ``provider/pool``."""
    found = values.name(node, path, reading)
    if found is None or all(split_pool_key(found)):
        return found
    reading.found(node, path, f"{found!r} is no pool", "write provider/pool")
    return None


def names(node: yaml.Node, path: str, reading: Reading) -> tuple[str, ...] | None:
    """A list of names; one name is a list of one."""
    return values.names(node, path, reading)


def costs(node: yaml.Node, path: str, reading: Reading) -> dict[str, float] | None:
    """Units by pool."""
    if not isinstance(node, yaml.MappingNode):
        reading.found(node, path, "must be a mapping of pools to units")
        return None
    found: dict[str, float] = {}
    for key, value in node.value:
        units = values.number(value, f"{path}.{key.value}", reading)
        if units is not None:
            found[str(key.value)] = units
    return found


def anything(node: yaml.Node, path: str, reading: Reading) -> dict[str, Any] | None:
    """A mapping that somebody else understands."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): values.plain(value) for key, value in node.value}
    reading.found(node, path, "must be a mapping of names to values")
    return None
