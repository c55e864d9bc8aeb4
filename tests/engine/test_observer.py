"""What providers say, in polls and in passing, on its way into the ledger."""

import pytest

from ratelord_core.errors import InvalidRequest, NotFound
from ratelord_core.events.payloads import ConstraintObserved, DriftDetected, UsageObserved
from ratelord_core.model.instant import HOUR, MINUTE, SECOND
from ratelord_core.testing.table import Table

MOCK = "providers: {mock: [{id: m}]}\n"


def seen(table: Table, **more: object) -> None:
    numbers = {"limit": 1000, "used": 0, "reset_at": table.now + HOUR}
    table.observe("m/p", **(numbers | more))


def test_an_unknown_pool_of_a_configured_provider_appears() -> None:
    table = Table(MOCK)
    seen(table, used=3, unit="points", window_every=HOUR)
    (found,) = table.events(ConstraintObserved)
    assert (found.pool.key, found.pool.limit, found.pool.unit) == ("m/p", 1000, "points")
    assert found.pool.window.every == HOUR
    assert table.ask(pool_id="m/p").holds[0].remaining == 996


def test_it_is_drawn_from_only_by_those_who_name_it() -> None:
    table = Table(MOCK)
    seen(table)
    assert table.ask().holds == ()


def test_a_provider_that_nobody_configured_is_refused() -> None:
    table = Table(MOCK)
    with pytest.raises(NotFound, match="configured: m") as refused:
        table.observe("x/p", limit=1)
    assert refused.value.code == "unknown_provider"
    assert table.events(UsageObserved) == []


def test_one_that_is_configured_no_longer_is_refused_too() -> None:
    table = Table(MOCK)
    seen(table)
    table.configure("")
    with pytest.raises(NotFound):
        seen(table)


def test_nobody_observes_a_cap_of_our_own() -> None:
    table = Table("pools: [{id: local/jobs, limit: 10, window: {kind: fixed, every: 60s}}]")
    table.ask(expected_cost=10)
    with pytest.raises(InvalidRequest) as refused:
        table.observe("local/jobs", used=0)
    assert refused.value.code == "local_pool"
    assert table.figures("local/jobs").available == 0


def test_several_observations_are_taken_together_or_not_at_all() -> None:
    table = Table(MOCK)
    from_m = UsageObserved.event_type
    seen(table)
    before = len(table.records(from_m))
    good = table.events(UsageObserved)[0].observation
    bad = type(good)("x", "p", table.now, used=1)
    with pytest.raises(NotFound):
        table.engine.observer.in_passing([good, bad], table.now, "test", "test")
    table.pass_time(0)
    assert len(table.records(from_m)) == before


def test_an_older_observation_may_only_raise_what_was_used() -> None:
    table = Table(MOCK)
    start = table.now
    seen(table)
    table.pass_time(10)
    seen(table, used=50)
    for used, expected in ((20, 50), (70, 70)):
        table.observe("m/p", used=used, dated=start + 5 * SECOND)
        assert table.figures("m/p").used == expected


def test_an_observation_from_the_future_is_taken_as_of_now() -> None:
    table = Table(MOCK)
    seen(table, dated=table.now + 10 * MINUTE)
    (event,) = table.events(UsageObserved)
    assert event.observation.dated == table.now


def test_what_was_not_said_does_not_change() -> None:
    table = Table(MOCK)
    seen(table, used=7)
    before = table.figures("m/p")
    table.pass_time(1)
    table.observe("m/p", limit=1000)
    assert table.figures("m/p") == before


def test_what_is_held_stays_on_top_of_what_the_provider_says() -> None:
    table = Table(MOCK)
    seen(table)
    table.ask(pool_id="m/p", expected_cost=30)
    table.pass_time(1)
    table.observe("m/p", used=10)
    assert table.figures("m/p").available == 960


@pytest.mark.parametrize(
    ("settings", "spent", "drifts"),
    [("", 50, 0), ("", 51, 1), ("settings: {drift_percent: 10}", 100, 0)],
)
def test_drift_is_what_lies_further_out_than_the_setting_allows(
    settings: str, spent: int, drifts: int
) -> None:
    table = Table(MOCK + settings)
    seen(table)
    table.pass_time(1)
    table.observe("m/p", used=spent)
    assert len(table.events(DriftDetected)) == drifts
    assert table.figures("m/p").used == spent


def test_what_holds_explain_is_no_drift() -> None:
    table = Table(MOCK)
    seen(table)
    table.ask(pool_id="m/p", expected_cost=300)
    table.pass_time(1)
    table.observe("m/p", used=300)
    assert table.events(DriftDetected) == []


def test_drift_after_drift_tightens_the_99_percent_bound_against_the_median() -> None:
    table = Table(MOCK)
    used, ratios = 0, []
    seen(table, limit=20_000, window_every=HOUR)
    for number in range(12):
        table.report(table.ask(pool_id="m/p", expected_cost=500).intent_id)
        table.pass_time(60)
        used += 500
        if number % 3 == 2:
            used += 1200
            table.observe("m/p", used=used)
            (view,) = table.engine.reader.forecasts(table.now, "m/p")
            assert view.tte_p50_seconds
            assert view.tte_p99_seconds
            ratios.append(view.tte_p99_seconds / view.tte_p50_seconds)
    assert len(table.events(DriftDetected)) == 4
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[-1] < 0.9 * ratios[0]


def test_a_changed_limit_is_a_constraint_observed_anew_and_an_equal_one_is_not() -> None:
    table = Table(MOCK)
    seen(table)
    table.observe("m/p", limit=1000, used=0)
    assert len(table.events(ConstraintObserved)) == 1
    table.observe("m/p", limit=400)
    assert table.events(ConstraintObserved)[-1].pool.limit == 400
    assert table.figures("m/p").limit == 400


PINNED = MOCK + "pools: [{id: m/p, unit: points, limit: 100, window: {kind: fixed, every: 60s}}]\n"


def test_the_configuration_beats_the_provider_in_unit_limit_and_window() -> None:
    table = Table(PINNED)
    for _ in range(2):
        seen(table, used=30, unit="requests", window_every=HOUR)
        table.pass_time(1)
    view = table.engine.reader.pool("m/p", table.now)
    assert (view.limit, view.unit, view.used) == (100, "points", 30)
    assert view.window["every_seconds"] == 60
    assert len(table.events(ConstraintObserved)) <= 1
    assert table.replayed().ledger.accounts["m/p"].pool.unit == "points"


def test_against_a_pinned_limit_what_was_used_counts_and_not_what_remains() -> None:
    table = Table(PINNED)
    table.observe("m/p", limit=1000, remaining=960, reset_at=table.now + MINUTE)
    assert table.figures("m/p").used == 40
    table.pass_time(1)
    table.observe("m/p", remaining=990)
    assert table.figures("m/p").used == 40
    table.pass_time(1)
    table.observe("m/p", remaining=5)
    assert table.figures("m/p").used == 95


def test_a_first_look_at_a_half_used_window_is_no_burst() -> None:
    table = Table(MOCK)
    table.observe("m/p", limit=5000, used=2500, reset_at=table.now + HOUR // 2, window_every=HOUR)
    table.pass_time(1)
    view = table.engine.reader.pool("m/p", table.now)
    assert view.risk_level != "critical"
    assert table.events(DriftDetected) == []
