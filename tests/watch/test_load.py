"""Polls come as often as there is reason to: never a drain of their own, never too late."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.daemon.pressure import load_of
from ratelord_core.model.instant import DAY, MINUTE, SECOND
from ratelord_core.testing.scripted_provider import ScriptedProvider
from ratelord_core.testing.table import Table
from ratelord_core.watch import Account, Load, Schedule

INTERVAL = 40 * SECOND
SCHEDULE = Schedule(INTERVAL)
loads = st.builds(
    Load,
    pressure=st.floats(0, 1),
    idle=st.booleans(),
    reset_at=st.none() | st.integers(0, 10**6 * SECOND),
)


def span(load: Load, idle: int = 0) -> int:
    """From now to the next poll, by an even chance."""
    return SCHEDULE.after_success(0, 0.5, None, load, idle)


def test_the_interval_is_as_it_is_while_nothing_is_special() -> None:
    assert span(Load()) == INTERVAL


def test_pressure_makes_polls_come_up_to_four_times_as_often() -> None:
    spans = [span(Load(pressure)) for pressure in (0.0, 0.25, 0.5, 1.0)]
    assert spans == sorted(spans, reverse=True)
    assert spans[-1] == INTERVAL // 4


def test_rest_makes_them_come_half_as_often_by_and_by() -> None:
    spans = [span(Load(idle=True), idle) for idle in range(9)]
    assert spans == sorted(spans)
    assert spans[-1] == 2 * INTERVAL


def test_a_reset_is_looked_at_a_second_after_it() -> None:
    assert span(Load(reset_at=20 * SECOND)) == 21 * SECOND
    assert span(Load(reset_at=10 * MINUTE)) == INTERVAL
    assert span(Load(reset_at=SECOND)) == INTERVAL // 4, "no poll comes at once after another"


@given(loads, st.integers(0, 100), st.floats(0, 1, exclude_max=True), st.integers(1, DAY))
def test_whatever_the_load_a_poll_is_neither_a_drain_nor_late(load, idle, chance, interval) -> None:
    due = Schedule(interval).after_success(0, chance, None, load, idle)
    assert due >= min(interval, SECOND // 10)
    assert due * 100 >= 23 * min(interval, SECOND)
    assert due >= interval // 4 - interval // 16
    assert due < max(3 * interval, SECOND), "data are not stale while polls succeed"


def test_what_the_provider_asks_for_rules() -> None:
    assert SCHEDULE.after_success(0, 0.5, 5 * MINUTE, Load(1.0, reset_at=SECOND)) == 5 * MINUTE


@pytest.mark.anyio
async def test_the_watcher_polls_as_the_load_has_it(watcher, stage, notebook, running) -> None:
    busy, calm, dear = (ScriptedProvider(name, stage.clock, interval=INTERVAL) for name in "bcd")
    dear.poll_costs = True
    notebook.loads = {"b": Load(1.0), "d": Load(1.0)}
    for provider in (busy, calm, dear):
        watcher.add(Account(provider, plugin="scripted", version="1"))
    async with running():
        await stage.advance(10 * INTERVAL)
    assert len(busy.polls) > 3 * len(calm.polls)
    assert abs(len(dear.polls) - len(calm.polls)) <= 1, "a poll that costs something never hurries"


# --- where the load comes from ------------------------------------------------------------------

POLICY = "providers: {github: [{id: gh}]}"


@pytest.fixture
def table() -> Table:
    table = Table(POLICY)
    table.engine.state.polling.intervals = {"gh": INTERVAL}
    hour = table.now + 60 * MINUTE
    table.observe("gh/core", limit=1000, remaining=1000, reset_at=hour)
    return table


def load(table: Table) -> Load:
    table.engine.scribe.turn(table.now)
    return load_of(table.engine.state, "gh", INTERVAL, table.now)


def spend(table: Table, units: int) -> None:
    answer = table.ask(provider_id="gh", pool_id="gh/core", expected_cost=units)
    table.report(answer.intent_id, actual_cost=units)
    table.pass_time(1)


def test_an_account_from_which_nobody_draws_is_idle(table) -> None:
    assert load(table) == Load(0.0, idle=True)


def test_the_more_of_what_is_left_an_interval_may_take_the_higher_the_pressure(table) -> None:
    for _ in range(10):
        spend(table, 1)
    some = load(table)
    for _ in range(10):
        spend(table, 30)
    much = load(table)
    assert not some.idle
    assert 0.0 < some.pressure < much.pressure <= 1.0
    assert some.reset_at == table.figures("gh/core").reset_at


def test_an_exhausted_pool_waits_for_its_reset(table) -> None:
    spend(table, 700)
    table.observe("gh/core", limit=1000, remaining=0)
    assert load(table).pressure == 0.0
    assert load(table).reset_at == table.figures("gh/core").reset_at


def test_another_accounts_pools_are_none_of_its_business(table) -> None:
    spend(table, 500)
    assert load_of(table.engine.state, "other", INTERVAL, table.now).idle
