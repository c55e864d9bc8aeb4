"""A decision in wire form, field for field."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.model.decision import (
    DecidedBy,
    Decision,
    HoldLine,
    Modifications,
    Risk,
    TraceStep,
)
from ratelord_core.model.instant import LATEST, SECOND, to_text
from ratelord_core.wire.decision import decision_view
from ratelord_core.wire.timestamp import read_timestamp, timestamp

NOW = 1_767_225_600_000_001
STEP = TraceStep(
    "p", "r", 0, "global", "true", {"remaining": 3}, result=True, action="warn", reason=""
)


def on_the_wire(decision: Decision, *, trace: bool = False) -> dict:
    return json.loads(msgspec.json.encode(decision_view(decision, trace=trace)))


def approval(**changes) -> Decision:
    plain = Decision("0194f5a0-0000-7000-8000-000000000000", "approve", "ok", "there is room", NOW)
    return msgspec.structs.replace(plain, **changes)


def test_an_approval_has_every_field_and_empty_modifications():
    assert on_the_wire(approval()) == {
        "intent_id": "0194f5a0-0000-7000-8000-000000000000",
        "decision": "approve",
        "status": "approve",
        "allowed": True,
        "reason_code": "ok",
        "reason": "there is room",
        "modifications": {},
        "start_at": None,
        "alternatives": [],
        "decided_by": None,
        "warnings": [],
        "retry_after_seconds": None,
        "valid_until": None,
        "holds": [],
        "evaluation": {
            "as_of_ts": "2026-01-01T00:00:00.000001Z",
            "policy_version": "",
            "risk_summary": "no pool was looked at",
            "tightest_pool": None,
            "risk": {
                "p_exhaustion": 0.0,
                "tte_p50_seconds": None,
                "tte_p90_seconds": None,
                "tte_p99_seconds": None,
                "ttr_seconds": None,
            },
        },
        "trace": [],
    }


def test_a_hold_is_split_into_provider_and_pool_at_the_first_slash():
    line = HoldLine("local/budget/daily", 3, 41, None, NOW + 60 * SECOND)
    assert on_the_wire(approval(holds=(line,)))["holds"] == [
        {
            "provider_id": "local",
            "pool_id": "budget/daily",
            "units": 3,
            "remaining": 41,
            "reset_at": None,
            "expires_at": "2026-01-01T00:01:00.000001Z",
        }
    ]


def test_modifications_say_only_what_must_change():
    changes = Modifications(wait=2_500_000, identity_switch="pat:b", max_cost=3)
    view = on_the_wire(approval(decision="approve_with_modifications", modifications=changes))
    assert view["modifications"] == {"wait_seconds": 2.5, "identity_switch": "pat:b", "max_cost": 3}
    assert view["status"] == "approve_with_modifications"
    everything = Modifications(route={"pool": "a/b"}, protocol_switch="graphql", degrade="small")
    assert on_the_wire(approval(modifications=everything))["modifications"] == {
        "route": {"pool": "a/b"},
        "protocol_switch": "graphql",
        "degrade": "small",
    }


@pytest.mark.parametrize(("span", "seconds"), [(1, 1), (SECOND, 1), (SECOND + 1, 2), (0, 0)])
def test_retry_after_is_rounded_up_to_whole_seconds(span, seconds):
    denial = approval(decision="deny_with_reason", reason_code="pool_exhausted", retry_after=span)
    view = on_the_wire(denial)
    assert view["retry_after_seconds"] == seconds
    assert view["allowed"] is False


def test_an_infinite_time_to_exhaustion_is_null_and_the_others_are_seconds():
    risk = Risk("github-main/search", 120_000, None, 61_500, 1_000, 40_000)
    view = on_the_wire(approval(risk=risk, decided_by=DecidedBy("safety", "red-line")))
    assert view["evaluation"]["risk"] == {
        "p_exhaustion": 0.12,
        "tte_p50_seconds": None,
        "tte_p90_seconds": 61.5,
        "tte_p99_seconds": 1.0,
        "ttr_seconds": 40.0,
    }
    assert view["evaluation"]["tightest_pool"] == "github-main/search"
    summary = view["evaluation"]["risk_summary"]
    assert summary == "github-main/search: 12 % likely to run dry; 40 s to its reset"
    assert view["decided_by"] == {"policy_id": "safety", "rule": "red-line"}


def test_the_trace_is_shown_only_to_those_who_asked_for_it():
    assert on_the_wire(approval(trace=(STEP,)))["trace"] == []
    (step,) = on_the_wire(approval(trace=(STEP,)), trace=True)["trace"]
    assert step["inputs"] == {"remaining": 3}
    assert set(step) == {
        "policy_id",
        "rule",
        "rule_index",
        "level",
        "condition",
        "inputs",
        "result",
        "action",
        "reason",
        "way",
    }


@given(st.integers(0, 4_000_000_000 * SECOND))
def test_the_fast_timestamp_equals_the_plain_one_and_reads_back(instant):
    assert timestamp(instant) == to_text(instant)
    assert read_timestamp(timestamp(instant)) == instant


def test_an_instant_beyond_the_calendar_reads_as_the_last_one():
    """A level far below 0 refills in a million years: the reply says so as well as it can."""
    last = "9999-12-30T23:59:59.999999Z"
    assert timestamp(10**30) == to_text(10**30) == timestamp(LATEST) == last
    assert read_timestamp(last) == LATEST
