"""Where calendar windows end, in zones with odd ideas of midnight."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from ledger_scene import Scene, pool

from ratelord_core.ledger.calendar import next_boundary
from ratelord_core.model.instant import DAY, HOUR, Micros, from_text, to_datetime, to_text
from ratelord_core.model.window import CalendarUnit, Window


def boundaries(after: str, unit: CalendarUnit, zone: str, count: int) -> list[str]:
    instants = []
    at = from_text(after)
    for _ in range(count):
        at = next_boundary(at, unit, zone)
        instants.append(to_text(at).removesuffix(":00.000000Z"))
    return instants


def test_days_in_madrid_have_23_and_25_hours() -> None:
    assert boundaries("2026-03-28T12:00:00Z", "day", "Europe/Madrid", 3) == [
        "2026-03-28T23:00",
        "2026-03-29T22:00",
        "2026-03-30T22:00",
    ]
    assert boundaries("2026-10-24T12:00:00Z", "day", "Europe/Madrid", 3) == [
        "2026-10-24T22:00",
        "2026-10-25T23:00",
        "2026-10-26T23:00",
    ]


def test_a_midnight_that_happens_twice_in_havana_counts_once() -> None:
    # Of a year that is long over: what a zone will do is decided anew, and newer machines know it.
    assert boundaries("2024-11-02T12:00:00Z", "day", "America/Havana", 2) == [
        "2024-11-03T04:00",
        "2024-11-04T05:00",
    ]
    assert boundaries("2024-11-03T04:30:00Z", "day", "America/Havana", 1) == ["2024-11-04T05:00"]
    assert boundaries("2024-11-03T05:30:00Z", "day", "America/Havana", 1) == ["2024-11-04T05:00"]


def test_a_midnight_that_havana_skips_is_the_first_instant_after_it() -> None:
    assert boundaries("2024-03-09T12:00:00Z", "day", "America/Havana", 2) == [
        "2024-03-10T05:00",
        "2024-03-11T04:00",
    ]


def test_a_midnight_that_sao_paulo_skipped_is_the_first_instant_after_it() -> None:
    assert boundaries("2018-11-03T12:00:00Z", "day", "America/Sao_Paulo", 2) == [
        "2018-11-04T03:00",
        "2018-11-05T02:00",
    ]


def test_a_midnight_that_sao_paulo_turned_back_from_comes_an_hour_later() -> None:
    assert boundaries("2018-02-17T12:00:00Z", "day", "America/Sao_Paulo", 2) == [
        "2018-02-18T03:00",
        "2018-02-19T03:00",
    ]


def test_a_midnight_that_st_johns_passed_twice_counts_the_first_time() -> None:
    assert boundaries("2010-11-06T12:00:00Z", "day", "America/St_Johns", 2) == [
        "2010-11-07T02:30",
        "2010-11-08T03:30",
    ]


def test_the_day_that_apia_skipped_is_no_window_of_its_own() -> None:
    assert boundaries("2011-12-28T12:00:00Z", "day", "Pacific/Apia", 4) == [
        "2011-12-29T10:00",
        "2011-12-30T10:00",
        "2011-12-31T10:00",
        "2012-01-01T10:00",
    ]


def test_hours_are_absolute_even_in_kathmandu() -> None:
    assert boundaries("2026-01-01T00:20:00Z", "hour", "Asia/Kathmandu", 2) == [
        "2026-01-01T01:00",
        "2026-01-01T02:00",
    ]
    assert boundaries("2026-01-01T00:20:00Z", "day", "Asia/Kathmandu", 1) == ["2026-01-01T18:15"]


def test_weeks_begin_on_monday() -> None:
    assert boundaries("2026-03-25T12:00:00Z", "week", "Europe/Madrid", 3) == [
        "2026-03-29T22:00",
        "2026-04-05T22:00",
        "2026-04-12T22:00",
    ]
    assert boundaries("2026-03-29T22:00:00Z", "week", "Europe/Madrid", 1) == ["2026-04-05T22:00"]


def test_months_begin_on_the_first() -> None:
    assert boundaries("2027-12-31T12:00:00Z", "month", "UTC", 3) == [
        "2028-01-01T00:00",
        "2028-02-01T00:00",
        "2028-03-01T00:00",
    ]


def test_a_boundary_is_later_than_the_instant_it_is_asked_for() -> None:
    midnight = from_text("2026-05-05T00:00:00Z")

    assert next_boundary(midnight, "day", "UTC") == midnight + DAY
    assert next_boundary(midnight - 1, "day", "UTC") == midnight


zones = st.sampled_from(
    ("Europe/Madrid", "America/Havana", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu",
     "Africa/Cairo", "Asia/Beirut", "America/Santiago", "Australia/Lord_Howe", "Pacific/Kwajalein")
)  # fmt: skip
instants = st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)).map(
    lambda moment: int(moment.replace(tzinfo=UTC).timestamp()) * 1_000_000
)


@given(after=instants, zone=zones)
def test_a_day_boundary_is_the_first_instant_of_its_date(after: Micros, zone: str) -> None:
    boundary = next_boundary(after, "day", zone)
    local = ZoneInfo(zone)

    dates = [to_datetime(boundary + off).astimezone(local).date() for off in (-1, 0)]
    assert dates[0] < dates[1]
    assert after < boundary <= after + 49 * HOUR
    hours = range((boundary - after) // HOUR)
    inside = {to_datetime(after + n * HOUR).astimezone(local).date() for n in hours}
    assert all(date < dates[1] for date in inside) or zone == "America/St_Johns"


@given(after=instants, zone=zones, unit=st.sampled_from(("day", "week", "month")))
def test_boundaries_follow_one_another_without_a_gap(
    after: Micros, zone: str, unit: CalendarUnit
) -> None:
    some = [after]
    for _ in range(4):
        some.append(next_boundary(some[-1], unit, zone))
    for before, at in pairwise(some):
        assert next_boundary((before + at) // 2, unit, zone) == at
        assert next_boundary(at - 1, unit, zone) == at


def test_a_budget_of_a_day_is_full_again_at_local_midnight() -> None:
    shape = pool("day", 5, Window("calendar", unit="day", timezone="Europe/Madrid"), local=True)
    scene = Scene(shape)
    reset_at = scene.figures().reset_at
    assert reset_at is not None
    scene.ask(5, ttl=1)
    scene.wait(reset_at - scene.now - 1)
    assert scene.ask(1) is None
    scene.wait(1)

    assert scene.ask(5) == 0
    assert to_datetime(scene.now).astimezone(ZoneInfo("Europe/Madrid")).hour == 0


def test_a_leap_over_years_of_days_ends_in_the_right_one() -> None:
    for unit in ("hour", "day", "week", "month"):
        shape = pool("x", 5, Window("calendar", unit=unit, timezone="America/Havana"), local=True)
        far, near = Scene(shape), Scene(shape)
        far.wait(3 * 365 * DAY)
        near.wait(365 * DAY)
        near.wait(2 * 365 * DAY)

        assert far.ledger.picture(far.now) == near.ledger.picture(near.now)
        reset_at = far.figures().reset_at
        assert reset_at == next_boundary(far.now, unit, "America/Havana")
        assert far.ledger.accounts["p/x"].windows.start <= far.now  # type: ignore[attr-defined] # a period's
