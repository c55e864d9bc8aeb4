"""A pool's window, and the hours of a rule, as a policy file writes them."""

from __future__ import annotations

import re

import yaml

from ratelord_core.model.config import TimeWindow
from ratelord_core.model.instant import Micros, from_text
from ratelord_core.model.window import Window
from ratelord_core.policy.fields import Fields
from ratelord_core.policy.reading import Reading, nearest
from ratelord_core.policy.values import long_span, names, one_of, text, whole, zone

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
KEYS_OF = {
    "fixed": ("every", "reset_at"),
    "calendar": ("every", "timezone"),
    "sliding": ("every",),
    "bucket": ("every", "burst"),
    "concurrency": (),
    "unbounded": (),
}
"""The keys that a window of each kind takes."""
_CALENDAR = ("hour", "day", "week", "month")
_DAY_NAMES = {
    **{day.lower(): at for at, day in enumerate(DAYS)},
    **{
        day: at
        for at, day in enumerate(
            ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        )
    },
}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::00)?")


def window(node: yaml.Node, path: str, reading: Reading) -> Window | None:
    """A window: ``{kind: …}`` with the keys of its kind, or the bare name of a kind without any."""
    if isinstance(node, yaml.ScalarNode):
        kind = one_of(*KEYS_OF)(node, path, reading)
        if kind is None or kind in ("concurrency", "unbounded"):
            return None if kind is None else Window(kind=kind)  # type: ignore[arg-type]  # one of KEYS_OF
        reading.found(
            node, path, f"a {kind} window is a mapping", f"write {{kind: {kind}, every: …}}"
        )
        return None
    fields = Fields(node, path, reading)
    kind = fields.need(one_of(*KEYS_OF), "kind")
    if kind is None:
        fields.rest()
        return None
    before = len(reading.findings)
    made = _of_kind(kind, fields)
    for key in fields.rest():
        allowed = ("kind", *KEYS_OF[kind])
        message = f"a {kind} window has no key {key!r}"
        reading.found(_key_node(node, key), fields.path_of(key), message, nearest(key, allowed))
    return made if len(reading.findings) == before else None


def _of_kind(kind: str, fields: Fields) -> Window:
    if kind == "fixed":
        every, anchor = fields.maybe(long_span, "every"), fields.maybe(_instant, "reset_at")
        if fields.at("every") is None and fields.at("reset_at") is None:
            message = "a fixed window needs 'every' or 'reset_at'"
            fields.reading.found(fields.node, fields.path, message)
        return Window(kind="fixed", every=every, anchor=anchor)
    if kind == "calendar":
        unit = fields.need(one_of(*_CALENDAR), "every")
        timezone = fields.get(zone, "UTC", "timezone", "location")
        return Window(kind="calendar", unit=unit, timezone=timezone)  # type: ignore[arg-type]  # one of _CALENDAR
    if kind == "sliding":
        return Window(kind="sliding", every=fields.need(long_span, "every"))
    if kind == "bucket":
        every, burst = fields.need(long_span, "every"), fields.maybe(whole, "burst")
        return Window(kind="bucket", every=every, burst=burst)
    return Window(kind=kind)  # type: ignore[arg-type]  # concurrency or unbounded


def _key_node(node: yaml.Node, key: str) -> yaml.Node:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    found = (name for name, _ in pairs if name.value == key)
    return next(found, node)


def _instant(node: yaml.Node, path: str, reading: Reading) -> Micros | None:
    value = text(node, path, reading)
    if value is None:
        return None
    try:
        return from_text(value)
    except ValueError:
        hint = "write 2026-01-31T12:00:00Z"
        reading.found(node, path, f"{value!r} is not an instant with a time zone", hint)
        return None


def time_window(node: yaml.Node, path: str, reading: Reading) -> TimeWindow | None:
    """When a rule applies: ``start_time``, ``end_time``, ``days``, ``location``."""
    fields = Fields(node, path, reading)
    start = fields.get(_minute, 0, "start_time")
    end = fields.get(_minute, 1440, "end_time")
    days = fields.maybe(_days, "days", "days_of_week") or ()
    timezone = fields.get(zone, "UTC", "location", "timezone")
    fields.close()
    if start in (end, 1440):
        message = "the window is empty: start_time and end_time name the same minute"
        reading.found(node, path, message, "leave both out for the whole day")
        return None
    return TimeWindow(start, end, days, timezone)


def _minute(node: yaml.Node, path: str, reading: Reading) -> int | None:
    value = text(node, path, reading)
    if value is None:
        return None
    match = _CLOCK.fullmatch(value)
    minute = int(match[1]) * 60 + int(match[2]) if match else 1441
    if minute <= 1440 and match and int(match[2]) < 60:
        return minute
    reading.found(node, path, f"{value!r} is not a time of day", 'write "09:00", up to "24:00"')
    return None


def _days(node: yaml.Node, path: str, reading: Reading) -> tuple[int, ...] | None:
    found: set[int] = set()
    listed = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for day in names(node, path, reading) or ():
        at = _DAY_NAMES.get(day.lower())
        if at is not None:
            found.add(at)
            continue
        place = next(item for item in listed if item.value == day)
        hint = nearest(day.capitalize(), DAYS)
        reading.found(place, path, f"{day!r} is not a day of the week", hint)
    return tuple(sorted(found))
