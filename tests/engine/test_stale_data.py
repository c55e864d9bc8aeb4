"""Old provider data tighten answers: background is denied, normal waits, high goes on, spaced."""

from typing import Any

import pytest

from ratelord_core.errors import ProviderFailed
from ratelord_core.events.payloads import SystemStarted
from ratelord_core.model.decision import Decision
from ratelord_core.model.instant import HOUR, SECOND
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window
from ratelord_core.provider import PollResult
from ratelord_core.testing.table import Table

EVERY = 30
POOL = Pool("m", "p", limit=3600, window=Window("fixed", every=HOUR))


@pytest.fixture
def table() -> Table:
    table = Table("providers: {mock: [{id: m}]}")
    table.engine.state.polling.intervals = {"m": EVERY * SECOND}
    table.engine.write(table.now, SystemStarted(version="test"))
    poll(table, 0)
    return table


def poll(table: Table, used: int) -> None:
    reset_at = table.now + HOUR
    seen = Observation("m", "p", table.now, limit=3600, used=used, reset_at=reset_at)
    result = PollResult(table.now, (seen,), pools=(POOL,))
    due = table.now + EVERY * SECOND
    table.engine.observer.polled("m", "mock", "1", result, due, table.now)
    table.pass_time(0)


def fail(table: Table, then: str = "open") -> None:
    error = ProviderFailed("timeout", "no answer")
    due = table.now + 2 * EVERY * SECOND
    table.engine.observer.failed("m", "mock", "1", error, 5, due, table.now)
    table.engine.observer.turned("m", "healthy", then, "timeouts", table.now)
    table.pass_time(0)


def ask(table: Table, urgency: str, **fields: Any) -> Decision:
    return table.ask(pool_id="m/p", urgency=urgency, **fields)


@pytest.mark.parametrize("urgency", ["background", "normal", "high"])
def test_three_missed_polls_are_not_yet_too_many(table: Table, urgency: str) -> None:
    table.pass_time(3 * EVERY)
    answer = ask(table, urgency)
    assert answer.decision == "approve"
    assert answer.warnings == ()


def test_background_is_denied_until_the_next_poll_is_due(table: Table) -> None:
    table.pass_time(3 * EVERY + 1)
    denied = ask(table, "background")
    assert denied.reason_code == "forecast_stale"
    assert denied.retry_after == EVERY * SECOND
    assert denied.warnings == ("stale data: m/p was last seen 91 s ago",)


def test_normal_waits_for_the_next_poll_if_it_may(table: Table) -> None:
    table.pass_time(3 * EVERY + 1)
    waits = ask(table, "normal")
    assert (waits.reason_code, waits.modifications.wait) == ("forecast_stale", EVERY * SECOND)
    assert "waits for fresh data" in waits.reason
    assert waits.warnings
    denied = ask(table, "normal", max_wait=SECOND)
    assert (denied.reason_code, denied.retry_after) == ("forecast_stale", EVERY * SECOND)
    assert "none is due within 1 s" in denied.reason
    assert denied.warnings
    assert "it may not wait" in ask(table, "normal", max_wait=0).reason


def test_high_goes_on_at_the_pools_own_pace(table: Table) -> None:
    table.pass_time(3 * EVERY + 1)
    answers = [ask(table, "high") for _ in range(4)]
    assert [answer.modifications.wait for answer in answers] == [0, SECOND, 2 * SECOND, 3 * SECOND]
    assert all(answer.warnings for answer in answers)
    assert answers[-1].reason_code == "forecast_stale"


def test_that_pace_never_denies_and_no_dry_run_or_denial_slows_it(table: Table) -> None:
    table.pass_time(3 * EVERY + 1)
    for _ in range(5):
        assert ask(table, "high", dry_run=True).decision == "approve"
        assert not ask(table, "high", expected_cost=4000).allowed
    assert all(ask(table, "high", max_wait=0).decision == "approve" for _ in range(3))


def test_an_open_circuit_makes_fresh_data_stale_and_is_named(table: Table) -> None:
    fail(table)
    denied = ask(table, "background")
    assert denied.reason_code == "provider_degraded"
    assert "its provider is failing" in denied.reason
    assert denied.retry_after == 2 * EVERY * SECOND
    assert ask(table, "normal").reason_code == "provider_degraded"
    assert ask(table, "high").decision == "approve"


def test_a_degraded_provider_with_fresh_data_is_good_enough(table: Table) -> None:
    fail(table, "degraded")
    assert ask(table, "background").decision == "approve"


def test_a_poll_ends_it(table: Table) -> None:
    table.pass_time(3 * EVERY + 1)
    poll(table, 7)
    assert ask(table, "background").decision == "approve"


def test_a_denial_by_a_rule_says_that_data_are_old_too(table: Table) -> None:
    table.configure(
        "providers: {mock: [{id: m}]}\n"
        "policies: [{id: no, scope: global, rules: [{name: never, action: deny}]}]"
    )
    table.pass_time(3 * EVERY + 1)
    denied = ask(table, "high")
    assert denied.reason_code == "policy"
    assert any("stale data" in warning for warning in denied.warnings)


def test_a_pool_that_was_just_declared_is_not_stale_before_its_first_polls_are_due(
    table: Table,
) -> None:
    table.pass_time(HOUR // SECOND)
    table.engine.observer.declare([Pool("m", "new", limit=10, window=POOL.window)], table.now)
    table.pass_time(0)
    assert table.ask(pool_id="m/new", urgency="background").decision == "approve"


def test_local_caps_are_never_stale() -> None:
    table = Table("pools: [{id: local/jobs, limit: 10, window: {kind: fixed, every: 60s}}]")
    table.pass_time(HOUR // SECOND)
    assert table.ask(urgency="background").warnings == ()


def test_the_system_is_degraded_while_a_watched_provider_fails(table: Table) -> None:
    fail(table)
    assert table.engine.state.degraded
    table.engine.state.polling.intervals = {}
    table.pass_time(1)
    assert not table.engine.state.degraded


def test_a_forecast_widens_with_every_poll_that_is_missed(table: Table) -> None:
    reset_at = table.now + HOUR
    for used in range(60, 1260, 60):  # two a second, and seen to be so
        table.pass_time(EVERY)
        seen = Observation("m", "p", table.now, limit=3600, used=used, reset_at=reset_at)
        due = table.now + EVERY * SECOND
        told = PollResult(table.now, (seen,), pools=(POOL,))
        table.engine.observer.polled("m", "mock", "1", told, due, table.now)

    def earliest() -> float:
        """How soon it may be used up at worst, as a share of what is expected."""
        risk = ask(table, "high").risk
        assert risk is not None
        assert risk.tte_p50
        assert risk.tte_p99
        return risk.tte_p99 / risk.tte_p50

    fresh = earliest()
    table.pass_time(3 * EVERY)
    assert earliest() == pytest.approx(fresh, rel=0.01)
    fail(table)
    blind = []
    for _ in range(3):
        table.pass_time(EVERY)
        blind.append(earliest())
    assert fresh * 0.99 > blind[0] > blind[1] > blind[2]
