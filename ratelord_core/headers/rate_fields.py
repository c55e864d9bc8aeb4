"""The standard's ``RateLimit`` fields, in the form of every draft that servers still send.

Source: draft-ietf-httpapi-ratelimit-headers, 00 to 11. Up to 02 ``RateLimit-Limit`` carries the
policies; 03 to 06 have ``RateLimit-Policy`` beside it; 07 puts the numbers into one ``RateLimit``
dictionary; from 08 on both are lists of named items (``"burst";r=50;t=30``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from ratelord_core.headers.limit import NOTHING, UNREADABLE, RateLimit, Reading
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.pool import MAX_UNITS

LIMIT: Final = "ratelimit-limit"
POLICY: Final = "ratelimit-policy"
RATE: Final = "ratelimit"
REMAINING: Final = "ratelimit-remaining"
RESET: Final = "ratelimit-reset"
_LONGEST_WAIT: Final = 32 * 86_400
"""Seconds; a reset further ahead than a month is a mistake."""
_UNITS: Final = {
    "requests": "requests",
    "content-bytes": "bytes",
    "concurrent-requests": "requests",
}

_Item = tuple[object, dict[str, object]]


class _Unreadable(ValueError):
    """The fields make no sense."""


def read_rate_fields(headers: Mapping[str, str], now: Micros) -> Reading:
    """What the fields tell. Servers that put an instant into ``RateLimit-Reset``, as some do, are
    none of the standard's: that dialect is a table like any other."""
    try:
        if RATE in headers:
            return _named(headers, now)
        if LIMIT in headers or REMAINING in headers:
            return Reading((_apart(headers, now),))
    except _Unreadable:
        return UNREADABLE
    return NOTHING


def _named(headers: Mapping[str, str], now: Micros) -> Reading:
    """Drafts from 07 on."""
    policies = _items(headers.get(POLICY, ""))
    if "=" in headers[RATE].split(";")[0]:
        return Reading((_seventh(headers[RATE], policies, now),))
    rules = {str(name): told for name, told in policies}
    limits = []
    for name, told in _items(headers[RATE]):
        rule = rules.get(str(name), {})
        limit, remaining = _count(rule.get("q")), _count(told.get("r"))
        if remaining is None or (limit is not None and remaining > limit):
            raise _Unreadable
        every, unit = _span(rule.get("w")), rule.get("qu", "requests")
        limits.append(
            RateLimit(
                limit,
                remaining,
                None,
                _after(told.get("t"), now),
                str(name),
                every,
                _UNITS.get(str(unit), str(unit)) if rule else None,
            )
        )
    return Reading(tuple(limits))


def _seventh(text: str, policies: list[_Item], now: Micros) -> RateLimit:
    told = {name: value[0] for name, value in _dictionary(text).items()}
    limit, remaining = _count(told.get("limit")), _count(told.get("remaining"))
    return _whole(limit, remaining, _after(told.get("reset"), now), policies)


def _apart(headers: Mapping[str, str], now: Micros) -> RateLimit:
    """Drafts up to 06."""
    listed = _items(headers.get(LIMIT, ""))
    limit = _count(listed[0][0]) if listed else None
    remaining, reset = _items(headers.get(REMAINING, "")), _items(headers.get(RESET, ""))
    left = _count(remaining[0][0]) if remaining else None
    reset_at = _after(reset[0][0], now) if reset else None
    return _whole(limit, left, reset_at, [*listed[1:], *_items(headers.get(POLICY, ""))])


def _whole(
    limit: int | None, remaining: int | None, reset_at: Micros | None, policies: list[_Item]
) -> RateLimit:
    if limit is None and remaining is None:
        raise _Unreadable
    if limit is not None and remaining is not None and remaining > limit:
        raise _Unreadable
    windows = [told.get("w") for amount, told in policies if limit is None or amount == limit]
    every = _span(windows[0]) if len(windows) == 1 else None
    return RateLimit(limit, remaining, None, reset_at, "", every)


def _items(text: str) -> list[_Item]:
    if not text.strip():
        return []
    found = cast("list[Any]", _parsed(text, "list"))
    if any(isinstance(item[0], list) for item in found):
        raise _Unreadable
    return [(item[0], dict(item[1])) for item in found]


def _dictionary(text: str) -> dict[str, Any]:
    return dict(cast("dict[str, Any]", _parsed(text, "dictionary")))


def _parsed(text: str, kind: str) -> object:
    import http_sf  # noqa: PLC0415 - for those few responses that speak the standard

    try:
        return http_sf.parse(text.encode("ascii"), tltype=kind)
    except (http_sf.StructuredFieldError, ValueError, TypeError) as error:
        raise _Unreadable from error


def _count(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= MAX_UNITS:
        raise _Unreadable
    return value


def _span(value: object) -> Micros | None:
    seconds = _count(value)
    return None if not seconds else min(seconds, _LONGEST_WAIT) * SECOND


def _after(value: object, now: Micros) -> Micros | None:
    seconds = _count(value)
    if seconds is None:
        return None
    if seconds > _LONGEST_WAIT:
        raise _Unreadable
    return now + seconds * SECOND
