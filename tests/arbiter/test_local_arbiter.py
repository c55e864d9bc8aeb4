"""The arbiter in one process with its store: nothing acknowledged before it is written, nothing
written twice, and always the state that the log gives."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ratelord_core.errors import Conflict, InvalidRequest, StoreError, Unavailable
from ratelord_core.model.caller import Caller
from ratelord_core.model.instant import SECOND
from ratelord_core.model.intent import Intent, Report

HTTP = Caller(door="http")
Run = Callable[..., Any]


def question(**fields: Any) -> Intent:
    names = {"agent_id": "a", "identity_id": "i", "workload_id": "chat", "scope_id": "repo:x/y"}
    return Intent(**names | fields)


async def turns() -> None:
    """Let everything that can go on go on as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until(what: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


async def until_it_writes(arbiter: Any) -> None:
    """Until its store is found well. An attempt that met the trouble may end only now: while it is
    under way the arbiter is not read-only, and then it is so once more."""
    async with asyncio.timeout(60):
        while True:
            await until(lambda: arbiter.health().status != "read_only")
            await arbiter.journal.drain()
            if arbiter.journal.failed is None:
                return


# --- acknowledged means written ---------------------------------------------------------------


@pytest.mark.promise("D-02")
def test_an_answer_is_in_the_log_before_it_is_given(run: Run, house: Any) -> None:
    async def main() -> None:
        arbiter = await house.open()
        house.store.hesitate()
        asking = asyncio.create_task(arbiter.ask(question(), HTTP))
        await turns()
        assert not asking.done()
        house.store.go_on()
        decision = await asking
        assert await arbiter.explain(decision.intent_id)
        await house.close()

    run(main())


def test_a_repeated_question_waits_for_the_commit_of_the_first(run: Run, house: Any) -> None:
    async def main() -> None:
        arbiter = await house.open()
        house.store.hesitate()
        asking = [
            asyncio.create_task(arbiter.ask(question(idempotency_key="k"), HTTP)) for _ in range(3)
        ]
        await turns()
        assert not any(task.done() for task in asking)
        house.store.go_on()
        first, *others = [await task for task in asking]
        assert others == [first, first]
        assert house.count("intent_decided") == 1
        await house.close()

    run(main())


def test_a_question_that_a_batch_asks_at_the_same_moment_waits_as_well(
    run: Run, house: Any
) -> None:
    async def main() -> None:
        arbiter = await house.open()
        house.store.hesitate()
        one = question(idempotency_key="k")
        batch = asyncio.create_task(arbiter.ask_batch([one, one, question()], HTTP))
        await turns()
        alone = asyncio.create_task(arbiter.ask(one, HTTP))
        await turns()
        assert not alone.done()
        house.store.go_on()
        first, second, other = await batch
        assert first == second == await alone
        assert other.intent_id != first.intent_id
        assert house.count("intent_decided") == 2
        await house.close()

    run(main())


def test_a_repeated_report_is_told_so_only_once_the_first_is_written(run: Run, house: Any) -> None:
    async def main() -> None:
        arbiter = await house.open()
        decision = await arbiter.ask(question(), HTTP)
        house.store.hesitate()
        told = [
            asyncio.create_task(arbiter.report(decision.intent_id, Report(), HTTP)) for _ in "ab"
        ]
        await turns()
        assert not any(task.done() for task in told)
        house.store.go_on()
        first, second = [await task for task in told]
        assert (first.duplicate, second.duplicate) == (False, True)
        assert first.settled == second.settled
        assert house.count("intent_reported") == 1
        await house.close()

    run(main())


def test_reports_that_meet_on_an_intent_without_pools_are_one(run: Run, house: Any) -> None:
    async def main() -> None:
        house.text = ""
        arbiter = await house.open()
        await arbiter.reload_policy(HTTP)
        decision = await arbiter.ask(question(), HTTP)
        views = await asyncio.gather(
            *(arbiter.report(decision.intent_id, Report(), HTTP) for _ in range(8))
        )
        assert sorted(view.duplicate for view in views) == [False] + [True] * 7
        with pytest.raises(Conflict):
            await arbiter.report(decision.intent_id, Report("error"), HTTP)
        assert house.count("intent_reported") == 1
        await house.close()

    run(main())


def test_who_goes_away_in_the_middle_loses_nothing_and_doubles_nothing(
    run: Run, house: Any
) -> None:
    async def main() -> None:
        arbiter = await house.open()
        house.store.hesitate()
        asking = asyncio.create_task(arbiter.ask(question(idempotency_key="k"), HTTP))
        await turns()
        asking.cancel()
        await asyncio.wait((asking,))
        again = asyncio.create_task(arbiter.ask(question(idempotency_key="k"), HTTP))
        await turns()
        house.store.go_on()
        decision = await again
        assert decision.allowed
        assert house.count("intent_decided") == 1
        assert arbiter.pool("team/requests").held == 1
        live, log = house.pictures()
        assert live == log
        await house.close()

    run(main())


@pytest.mark.promise("F-06")
def test_a_batch_that_is_refused_holds_nothing(run: Run, house: Any) -> None:
    async def main() -> None:
        arbiter = await house.open()
        before = arbiter.journal.seq
        with pytest.raises(InvalidRequest):
            await arbiter.ask_batch([question(), question(provider_id="nobody")], HTTP)
        with pytest.raises(Conflict):
            await arbiter.ask_batch(
                [question(idempotency_key="k"), question(idempotency_key="k", model="m")], HTTP
            )
        await arbiter.flush()
        assert arbiter.pool("team/requests").held == 0
        assert arbiter.journal.seq == before
        await house.close()

    run(main())


# --- phases -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "code"), [("starting", "starting"), ("stopping", "shutting_down")]
)
def test_before_and_after_its_time_nothing_is_decided(
    run: Run, house: Any, phase: str, code: str
) -> None:
    async def main() -> None:
        arbiter = await house.open()
        arbiter.phase = phase
        with pytest.raises(Unavailable) as refused:
            await arbiter.ask(question(), HTTP)
        assert refused.value.code == code
        assert house.count("intent_submitted") == 0
        assert arbiter.pools()
        await house.close()

    run(main())


# --- a store that fails -----------------------------------------------------------------------


def test_a_store_that_fails_makes_it_read_only_until_it_writes_again(
    run: Run, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ratelord_core.daemon.recovery._PAUSE", 0.01)

    async def main() -> None:
        arbiter = await house.open()
        kept = await arbiter.ask(question(idempotency_key="kept"), HTTP)
        house.store.trouble = StoreError("the disk is full: free some space")
        house.store.hesitate()
        lost = [
            asyncio.create_task(arbiter.ask(question(idempotency_key="lost"), HTTP)) for _ in "ab"
        ]
        await turns()
        house.store.go_on()
        for task in lost:
            with pytest.raises(Unavailable, match="nothing can be written") as refused:
                await task
            assert refused.value.code == "read_only"
        with pytest.raises(Unavailable):
            await arbiter.ask(question(), HTTP)
        assert arbiter.health().status == "read_only"
        assert arbiter.pool("team/requests").limit == 100

        house.store.trouble = None
        await until_it_writes(arbiter)

        live, log = house.pictures()
        assert live == log
        assert arbiter.pool("team/requests").held == 1
        again = await arbiter.ask(question(idempotency_key="lost"), HTTP)
        assert again.allowed
        assert await arbiter.ask(question(idempotency_key="kept"), HTTP) == kept
        assert house.count("intent_decided") == 2
        await house.close()

    run(main())


def test_a_policy_that_the_failure_lost_is_written_down_when_the_store_is_back(
    run: Run, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ratelord_core.daemon.recovery._PAUSE", 0.01)

    async def main() -> None:
        arbiter = await house.open()
        house.text = house.text.replace("limit: 100", "limit: 70")
        house.store.trouble = StoreError("the disk is full: free some space")
        with pytest.raises(Unavailable):
            await arbiter.reload_policy(HTTP)
        house.store.trouble = None
        await until_it_writes(arbiter)

        assert arbiter.pool("team/requests").limit == 70
        assert arbiter.engine.state.policy_version == arbiter.policy().version
        live, log = house.pictures()
        assert live == log
        await house.close()

    run(main())


def test_a_recovery_that_meets_the_unexpected_tries_again(
    run: Run, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ratelord_core.daemon.recovery._PAUSE", 0.01)

    async def main() -> None:
        arbiter = await house.open()
        house.store.trouble = MemoryError("for a moment")
        with pytest.raises(Unavailable):
            await arbiter.ask(question(), HTTP)
        await asyncio.sleep(0.03)
        house.store.trouble = None
        await until_it_writes(arbiter)
        assert (await arbiter.ask(question(), HTTP)).allowed
        await house.close()

    run(main())


# --- the state is the log's -------------------------------------------------------------------


@pytest.mark.promise("D-02")
@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_the_state_is_what_the_log_gives(run: Run, house: Any, seed: int) -> None:
    dice = random.Random(seed)

    async def main() -> None:
        arbiter = await house.open()
        open_: list[str] = []
        for step in range(150):
            await _something(arbiter, house.clock, dice, open_, step)
            if step % 50 == 49:
                live, log = house.pictures()
                assert live == log
        await arbiter.flush()
        before = house.pictures()[0]
        await house.close()
        after = house.again()
        assert after.rebuilt().picture(house.clock.now()) == before
        await after.close()

    run(main())


async def _something(
    arbiter: Any, clock: Any, dice: random.Random, open_: list[str], step: int
) -> None:
    deed = dice.choice(["ask"] * 6 + ["report"] * 4 + ["repeat", "extend", "wait", "look", "idle"])
    with suppress(Conflict):  # an extension that does not fit, a report that differs
        if deed == "ask":
            decision = await arbiter.ask(
                question(
                    agent_id=f"agent:{dice.randrange(7)}",
                    idempotency_key=f"k{step}" if dice.random() < 0.5 else None,
                    costs={"team/tokens": dice.randrange(400)} if dice.random() < 0.7 else {},
                    max_wait=dice.choice([0, 5 * SECOND, None]),
                    urgency=dice.choice(["high", "normal", "background"]),
                ),
                HTTP,
            )
            if decision.allowed:
                open_.append(decision.intent_id)
        elif deed in {"report", "repeat"} and open_:
            which = dice.randrange(len(open_))
            name = open_[which] if deed == "repeat" else open_.pop(which)
            outcome = dice.choice(["success", "error", "rate_limited", "cancelled"])
            costs = {"team/tokens": dice.randrange(600)} if dice.random() < 0.6 else {}
            await arbiter.report(name, Report(outcome, costs=costs), HTTP)
        elif deed == "extend" and open_:
            await arbiter.extend(dice.choice(open_), dice.randrange(1, 90) * SECOND, HTTP)
        elif deed == "look":
            arbiter.pools()
        else:
            clock.advance(dice.randrange(1, 20 * SECOND))
            arbiter.engine.lookout.look(clock.now())
            await arbiter.flush()


def test_what_ended_while_nobody_ran_is_written_down_once_by_the_next_life(
    run: Run, house: Any
) -> None:
    async def first() -> None:
        arbiter = await house.open()
        await arbiter.ask(question(duration=10 * SECOND), HTTP)
        house.clock.advance(61 * SECOND)
        arbiter.engine.lookout.look(house.clock.now())
        await arbiter.ask(question(duration=10 * SECOND), HTTP)
        await house.close()

    async def next_life() -> tuple[int, int]:
        after = house.again()
        arbiter = await after.open()
        arbiter.engine.lookout.look(house.clock.now())
        await arbiter.flush()
        counts = after.count("hold_expired"), after.count("reset_observed")
        await after.close()
        return counts

    run(first())
    house.clock.advance(61 * SECOND)
    assert run(next_life()) == (2, 2)
    assert run(next_life()) == (2, 2)


def test_a_restart_is_no_news_about_risk(run: Run, house: Any) -> None:
    async def first() -> tuple[str, int]:
        arbiter = await house.open()
        for number in range(100):
            await arbiter.ask(question(agent_id=f"agent:{number % 9}", urgency="high"), HTTP)
            house.clock.advance(SECOND // 5)
            arbiter.engine.lookout.look(house.clock.now())
        await arbiter.flush()
        status, advice = arbiter.health().system_status, house.count("throttle_advised")
        await house.close()
        return status, advice

    async def next_life() -> tuple[str, int]:
        after = house.again()
        arbiter = await after.open()
        arbiter.engine.lookout.look(house.clock.now())
        await arbiter.flush()
        status, advice = arbiter.health().system_status, after.count("throttle_advised")
        await after.close()
        return status, advice

    before = run(first())
    assert before == ("warning", 2)
    assert run(next_life()) == before
