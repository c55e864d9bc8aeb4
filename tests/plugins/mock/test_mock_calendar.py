"""The mock's calendar agrees with the ledger's."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ratelord_core.ledger.calendar import next_boundary
from ratelord_core.model.instant import DAY, from_text
from ratelord_core.model.window import Window
from ratelord_mock.boundaries import period

ZONES = ("UTC", "Europe/Madrid", "America/Havana", "Asia/Beirut", "Pacific/Apia", "Asia/Kathmandu")


@pytest.mark.parametrize("unit", ["hour", "day", "week", "month"])
@given(
    st.integers(from_text("2010-01-01T00:00:00Z"), from_text("2030-01-01T00:00:00Z")),
    st.sampled_from(ZONES),
)
@example(from_text("2011-12-30T10:30:00Z"), "Pacific/Apia")
@example(from_text("2024-03-10T05:30:00Z"), "America/Havana")
@example(from_text("2024-11-03T04:30:00Z"), "America/Havana")
def test_a_period_ends_where_the_ledger_says(unit: str, now: int, zone: str) -> None:
    window = Window("calendar", unit=unit, timezone=zone)  # type: ignore[arg-type]
    begin, end = period(window, 0, now)
    assert end == next_boundary(now, unit, zone)  # type: ignore[arg-type]
    assert begin <= now < end
    assert next_boundary(begin - 1, unit, zone) == begin  # type: ignore[arg-type]
    assert end - begin <= 32 * DAY
