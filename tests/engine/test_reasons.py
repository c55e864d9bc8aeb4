"""Every answer says why, in a sentence for people and a code for machines."""

import pytest

from ratelord_core.engine.answering import span_text
from ratelord_core.model.instant import DAY, HOUR, MINUTE, SECOND
from ratelord_core.testing.table import Table

JOBS = "pools: [{id: local/jobs, limit: 10, window: {kind: fixed, every: 1h}}]"
MONEY = """
pools: [{id: budget/day, unit: microusd, limit: 100, window: {kind: calendar, every: day}}]
"""


def test_an_approval_says_what_is_left() -> None:
    assert Table(JOBS).ask(expected_cost=4).reason == "approved: 6 left in local/jobs"


def test_who_may_not_wait_reads_when_it_could_start() -> None:
    table = Table(JOBS)
    table.report(table.ask(expected_cost=10).intent_id)
    denied = table.ask(max_wait=0)
    assert denied.reason == (
        "local/jobs has 0 of 10 requests left; this needs 1; "
        "it could start in 60 min, but may not wait"
    )
    assert denied.reason_code == "pool_exhausted"


def test_who_waits_for_less_reads_both_spans() -> None:
    table = Table(JOBS)
    table.report(table.ask(expected_cost=10).intent_id)
    denied = table.ask(max_wait=30 * SECOND)
    assert denied.reason_code == "wait_too_long"
    assert denied.reason.endswith("it could start in 60 min, but waits 30 s at most")
    assert denied.retry_after == HOUR


def test_a_spent_budget_is_called_a_budget_whether_one_may_wait_or_not() -> None:
    table = Table(MONEY)
    table.report(table.ask(expected_cost=100).intent_id)
    for wait in (0, SECOND, None):
        denied = table.ask(max_wait=wait)
        assert denied.reason_code == "budget_exceeded"
        assert denied.retry_after


def test_what_is_kept_back_is_not_said_to_be_missing() -> None:
    table = Table("providers: {mock: [{id: m}]}")
    table.observe("m/p", limit=100, used=96, reset_at=table.now + HOUR, window_every=HOUR)
    denied = table.ask(pool_id="m/p", max_wait=0)
    assert denied.reason.startswith(
        "m/p has 4 of 100 requests left, kept for high urgency or promised to others"
    )


def test_more_than_a_bucket_holds_is_no_matter_of_time() -> None:
    table = Table("pools: [{id: local/b, limit: 10, window: {kind: bucket, every: 1s, burst: 5}}]")
    table.ask(expected_cost=5)
    denied = table.ask(expected_cost=6)
    assert denied.retry_after is None
    assert denied.reason.endswith("more than the pool ever holds: ask for less")


def test_a_rule_that_shapes_gives_its_own_reason_also_to_those_who_may_not_wait() -> None:
    table = Table(
        JOBS
        + """
policies:
  - {id: house, scope: global, rules: [{name: slow, condition: "true", action: shape, params: {wait_seconds: 2}}]}
"""
    )
    assert table.ask().reason == "wait 2 s: delayed 2 s by rule 'slow' of policy 'house'"
    denied = table.ask(max_wait=0)
    assert (denied.reason_code, denied.retry_after) == ("policy", 2 * SECOND)
    assert denied.reason == (
        "delayed 2 s by rule 'slow' of policy 'house'; it could start in 2 s, but may not wait"
    )
    assert denied.decided_by is not None


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (-5, "0 s"),
        (3, "less than 1 ms"),
        (2500 * 1000, "2.5 s"),
        (90 * SECOND, "90 s"),
        (30 * MINUTE, "30 min"),
        (5 * HOUR, "5 h"),
        (12 * DAY, "12 days"),
        (5000 * DAY, "5000 days"),
    ],
)
def test_spans_read_as_people_say_them(span: int, text: str) -> None:
    assert span_text(span) == text
