"""Time windows of rules of one scope that overlap although they say different things."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations

from ratelord_core.errors import Finding
from ratelord_core.model.config import Document, TimeWindow
from ratelord_core.model.instant import MINUTE, from_text
from ratelord_core.policy.lint.places import Places
from ratelord_core.policy.lint.reach import Standing, standings
from ratelord_core.policy.schedule import Schedule
from ratelord_core.policy.windows import DAYS

_WEEK = 7 * 24 * 60
_MONDAY = from_text("2026-01-05T00:00:00Z")
"""A week without a change of clocks anywhere; windows of several zones are compared in it."""
_STEP = 5
_MOST_PAIRS = 2_000


def look(document: Document, places: Places) -> Iterator[Finding]:
    """Every pair of rules that differ, bind the same and apply at the same time in part."""
    alike: defaultdict[tuple[str, str], list[Standing]] = defaultdict(list)
    for one in standings(document):
        if one.rule.time_window is not None:
            alike[one.policy.scope, "".join(one.rule.condition.split())].append(one)
    pairs = (pair for group in alike.values() for pair in combinations(group, 2))
    for _, (first, second) in zip(range(_MOST_PAIRS), pairs, strict=False):
        shared = _shared(first, second)
        if shared is not None:
            message = (
                f"time window of rule {second.label!r} overlaps that of {first.label!r} from "
                f"{_clock(shared)} UTC on, where both apply"
            )
            path = ("policies", second.at, "rules", second.place, "time_window")
            hint = "let the one end where the other starts"
            yield places.warn(message, *path, hint=hint)


def _shared(first: Standing, second: Standing) -> int | None:
    """The first minute of the week that both have, unless they are the same or do the same."""
    one, other = first.rule, second.rule
    if one.time_window is None or other.time_window is None:
        return None
    if one.time_window == other.time_window:
        return None
    if (one.action, one.params) == (other.action, other.params):
        return None
    both = _minutes(one.time_window) & _minutes(other.time_window)
    return min(both, default=None)


@lru_cache(maxsize=512)
def _minutes(window: TimeWindow) -> frozenset[int]:
    schedule = Schedule(window)
    return frozenset(
        minute for minute in range(0, _WEEK, _STEP) if schedule.contains(_MONDAY + minute * MINUTE)
    )


def _clock(minute: int) -> str:
    day, rest = divmod(minute, 24 * 60)
    return f"{DAYS[day]} {rest // 60:02}:{rest % 60:02}"
