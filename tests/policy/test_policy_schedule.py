"""Time windows by the local clock: over midnight, on days, through clock changes."""

from __future__ import annotations

import pytest

from ratelord_core.model.config import TimeWindow
from ratelord_core.model.instant import HOUR, from_text
from ratelord_core.policy.schedule import Schedule

NIGHT = TimeWindow(22 * 60, 6 * 60, (4,), "Europe/Madrid")  # Friday night
WORK = TimeWindow(9 * 60, 17 * 60, (0, 1, 2, 3, 4), "Europe/Madrid")


@pytest.mark.parametrize(
    ("window", "instant", "inside"),
    [
        (WORK, "2026-01-30T08:00:00Z", True),
        (WORK, "2026-01-30T07:59:59.999999Z", False),
        (WORK, "2026-01-30T16:00:00Z", False),
        (WORK, "2026-07-30T07:00:00Z", True),
        (WORK, "2026-01-31T10:00:00Z", False),
        (NIGHT, "2026-01-30T21:00:00Z", True),
        (NIGHT, "2026-01-31T04:59:59Z", True),
        (NIGHT, "2026-01-31T05:00:00Z", False),
        (NIGHT, "2026-01-30T04:00:00Z", False),
        (NIGHT, "2026-01-31T21:30:00Z", False),
        (TimeWindow(0, 1440, (6,)), "2026-02-01T23:59:59Z", True),
        (TimeWindow(0, 1440), "2026-02-01T00:00:00Z", True),
        (TimeWindow(22 * 60, 6 * 60), "2026-02-02T05:00:00Z", True),
    ],
)
def test_an_instant_lies_in_a_window_or_not(window: TimeWindow, instant: str, inside: bool) -> None:
    assert Schedule(window).contains(from_text(instant)) is inside


def hours_inside(window: TimeWindow, day: str) -> float:
    start = from_text(f"{day}T00:00:00Z") - 2 * HOUR
    schedule = Schedule(window)
    return sum(schedule.contains(start + step * HOUR // 2) for step in range(60)) / 2


def test_a_skipped_hour_does_not_happen_and_a_repeated_one_counts_twice() -> None:
    early = TimeWindow(2 * 60, 3 * 60, (6,), "Europe/Madrid")
    assert hours_inside(early, "2026-03-22") == 1
    assert hours_inside(early, "2026-03-29") == 0
    assert hours_inside(early, "2026-10-25") == 2
