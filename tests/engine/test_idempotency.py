"""A question that is asked again with its key."""

from typing import Any

import pytest

from ratelord_core.errors import Conflict
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.testing.table import Table

LOCAL = "pools: [{id: local/jobs, limit: 10, window: {kind: fixed, every: 60s}}]"
DAY = 24 * 3600


def test_a_key_belongs_to_its_agent() -> None:
    table = Table(LOCAL)
    first = table.ask(agent_id="a", idempotency_key="k")
    other = table.ask(agent_id="b", idempotency_key="k")
    assert other.intent_id != first.intent_id
    assert table.figures("local/jobs").held == 2


@pytest.mark.parametrize(
    "again",
    [{"expected_cost": 1.0}, {"expected_cost": 1, "urgency": "".join(["nor", "mal"])}],
    ids=["an integral float", "a default spelt out"],
)
def test_the_same_question_written_differently_is_the_same(again: dict[str, Any]) -> None:
    table = Table(LOCAL)
    first = table.ask(idempotency_key="k", expected_cost=1)
    assert table.ask(idempotency_key="k", **again) == first


def test_asking_for_the_trace_does_not_make_it_another_question() -> None:
    table = Table(LOCAL)
    first = table.ask(idempotency_key="k")
    assert table.ask(idempotency_key="k", debug=True).intent_id == first.intent_id


def test_a_denial_repeats_for_a_day_and_then_the_key_is_free() -> None:
    table = Table(LOCAL)
    denied = table.ask(idempotency_key="k", expected_cost=99)
    table.pass_time(DAY)
    assert table.ask(idempotency_key="k", expected_cost=99) == denied
    table.pass_time(1)
    assert table.ask(idempotency_key="k", expected_cost=1).allowed


def test_a_lapsed_approval_stays_a_conflict_until_its_day_is_over() -> None:
    table = Table(LOCAL)
    table.ask(idempotency_key="k")
    table.pass_time(3600)
    with pytest.raises(Conflict) as refused:
        table.ask(idempotency_key="k")
    assert refused.value.code == "approval_lapsed"
    table.pass_time(DAY)
    assert table.ask(idempotency_key="k").allowed


def test_a_reported_approval_is_still_the_answer_while_it_is_valid() -> None:
    table = Table(LOCAL)
    first = table.ask(idempotency_key="k")
    table.report(first.intent_id)
    assert table.ask(idempotency_key="k") == first
    assert table.figures("local/jobs").used == 1


def test_a_dry_run_neither_takes_a_key_nor_minds_one() -> None:
    table = Table(LOCAL)
    assert table.ask(idempotency_key="k", dry_run=True).allowed
    first = table.ask(idempotency_key="k")
    assert table.ask(idempotency_key="k", dry_run=True).intent_id != first.intent_id
    assert len(table.events(IntentDecided)) == 1


def test_keys_survive_a_replay_and_stay_out_of_the_log() -> None:
    table = Table(LOCAL)
    table.ask(idempotency_key="very-private-key")
    replayed = table.replayed()
    assert len(replayed.answers) == 1
    assert not any(b"very-private-key" in record.body for record in table.records())


def test_forgotten_keys_make_no_difference_to_a_replay() -> None:
    table = Table(LOCAL)
    table.ask(idempotency_key="k")
    table.pass_time(DAY + 1)
    table.ask(idempotency_key="other", dry_run=True)
    now = table.now
    assert table.replayed().picture(now) == table.engine.state.picture(now)
