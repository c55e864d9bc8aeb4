"""A batch is its intents, asked one after the other: the same answers, and the same log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core.model.caller import Caller
from ratelord_core.model.decision import Decision
from ratelord_core.model.instant import SECOND
from ratelord_core.model.intent import Intent

HTTP = Caller(door="http")
NAMES = {"identity_id": "i", "scope_id": "repo:x/y"}


def intent(**fields: Any) -> Intent:
    return Intent(**NAMES | {"agent_id": "a", "workload_id": "chat"} | fields)


ANY = st.builds(
    intent,
    agent_id=st.sampled_from(["a", "b"]),
    workload_id=st.sampled_from(["chat", "unheard-of"]),
    urgency=st.sampled_from(["background", "normal", "high"]),
    expected_cost=st.sampled_from([None, 1.0, 7.0, 70.0]),
    max_wait=st.sampled_from([None, 0, 30 * SECOND]),
    dry_run=st.booleans(),
    debug=st.booleans(),
)
REPEATED = st.sampled_from([1, 2]).map(
    lambda number: intent(idempotency_key=f"k{number}", expected_cost=float(number))
)


Life = tuple[list[Decision], list[Any]]
"""The answers of a life, and what it wrote down."""


def test_a_batch_gives_what_its_intents_get_one_after_the_other(
    run: Callable[..., Any], tmp_path_factory: Any, first_life: Callable[..., Any]
) -> None:
    def lived(intents: list[Intent], *, together: bool) -> Life:
        house = first_life(tmp_path_factory.mktemp("life"))

        async def main() -> Life:
            arbiter = await house.open()
            if together:
                answers = await arbiter.ask_batch(intents, HTTP)
            else:
                answers = [await arbiter.ask(one, HTTP) for one in intents]
            records = house.records()
            await house.close()
            return answers, records

        return run(main())

    @settings(max_examples=25, deadline=None)
    @given(st.lists(ANY | REPEATED, min_size=1, max_size=12))
    def alike(intents: list[Intent]) -> None:
        assert lived(intents, together=True) == lived(intents, together=False)

    alike()


def test_a_batch_without_keys_is_written_in_one_piece(run: Callable[..., Any], house: Any) -> None:
    async def main() -> None:
        arbiter = await house.open()
        before = house.journal.batches
        told = await arbiter.begin_batch([intent() for _ in range(5)], HTTP)
        assert len({one.intent_id for one in told}) == 5
        assert house.journal.batches == before + 1
        await house.close()

    run(main())


def test_whoever_leaves_a_batch_leaves_it_decided(run: Callable[..., Any], house: Any) -> None:
    async def main() -> None:
        arbiter = await house.open()
        keyed = [intent(idempotency_key=f"k{number}") for number in range(3)]
        leaving = asyncio.ensure_future(arbiter.ask_batch(keyed, HTTP))
        await asyncio.sleep(0)
        leaving.cancel()
        again = await arbiter.ask_batch(keyed, HTTP)
        assert [one.decision for one in again] == ["approve"] * 3
        assert house.count("intent_decided") == 3
        await house.close()

    run(main())


def test_what_was_decided_before_a_batch_failed_is_written_and_answers_who_repeats_it(
    run: Callable[..., Any], house: Any
) -> None:
    told: list[str] = []

    def stumble(decision: Decision) -> None:
        if len(told) == 2:
            raise RuntimeError("an observer failed")
        told.append(decision.intent_id)

    async def main() -> None:
        arbiter = await house.open()
        arbiter.engine.negotiator.watcher = stumble
        keyed = [intent(idempotency_key=f"k{number}") for number in range(3)]
        with pytest.raises(RuntimeError, match="an observer failed"):
            await arbiter.ask_batch(keyed, HTTP)
        arbiter.engine.negotiator.watcher = None
        again = await arbiter.ask(keyed[0], HTTP)
        assert again.intent_id == told[0]
        await house.close()

    run(main())
