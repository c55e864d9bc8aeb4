"""What strangers may ask, and what their mistakes are called."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.errors import InvalidRequest
from ratelord_core.model.ids import is_id
from ratelord_core.model.pool import MAX_UNITS
from ratelord_core.wire.identity import (
    RegisterRequest,
    RotateRequest,
    check_rotation,
    identity_of,
)
from ratelord_core.wire.intent import (
    ExtendRequest,
    IntentRequest,
    ReportRequest,
    extension_of,
    intent_of,
    report_of,
)
from ratelord_core.wire.observation import ObservationRequest, check_observation, observation_of

NOW = 1_767_225_600_000_000
INTENT_ID = "0194f5a0-0000-7000-8000-000000000000"


def asked(**changes) -> IntentRequest:
    fields = {"agent_id": "a", "identity_id": "i", "workload_id": "w", "scope_id": "s", **changes}
    return IntentRequest(**fields)


def faults_of(call, *args) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as refused:
        call(*args)
    return {fault.field: fault.message for fault in refused.value.fields}


def test_every_null_means_absent():
    nulls = dict.fromkeys(IntentRequest.__struct_fields__[4:])
    intent = intent_of(asked(**nulls))
    assert intent == intent_of(asked())
    assert (intent.urgency, intent.costs, intent.dry_run, intent.debug) == (
        "normal",
        {},
        False,
        False,
    )


def test_spans_become_microseconds_rounded_up():
    intent = intent_of(asked(duration_hint=0.0000015, max_wait_seconds=0))
    assert (intent.duration, intent.max_wait) == (2, 0)


def test_fractional_amounts_are_kept_for_the_engine_to_round():
    intent = intent_of(asked(expected_cost=0.5, costs={"p/a": 1.25}))
    assert (intent.expected_cost, intent.costs) == (0.5, {"p/a": 1.25})


@pytest.mark.parametrize("amount", [-1, -0.001, MAX_UNITS + 1, 1e300, math.inf, math.nan])
def test_amounts_outside_their_range_are_refused(amount):
    assert "expected_cost" in faults_of(intent_of, asked(expected_cost=amount))
    assert "costs.'p/a'" in faults_of(intent_of, asked(costs={"p/a": amount}))
    assert "actual_cost" in faults_of(report_of, ReportRequest(actual_cost=amount))


@pytest.mark.parametrize("amount", [0, -0.0, 1, 0.1, MAX_UNITS])
def test_amounts_within_their_range_are_taken(amount):
    assert intent_of(asked(expected_cost=amount)).expected_cost == amount


@given(st.text(max_size=300))
def test_an_intent_is_taken_exactly_if_its_ids_are_ids(text):
    if is_id(text):
        assert intent_of(asked(agent_id=text)).agent_id == text
    else:
        assert set(faults_of(intent_of, asked(agent_id=text))) == {"agent_id"}


@pytest.mark.parametrize("name", ["a\n", "", "a b", "ü", "x" * 257, "a\0"])
def test_a_malformed_id_is_shown_safely_in_one_line(name):
    with pytest.raises(InvalidRequest) as refused:
        intent_of(asked(scope_id=name))
    assert str(refused.value).startswith("scope_id: '")
    assert "\n" not in str(refused.value)
    assert "\0" not in str(refused.value)


def test_all_faults_are_told_together():
    wrong = asked(
        agent_id="",
        provider_id="a/b",
        costs={"nopool": 1},
        model="",
        duration_hint=-1,
        max_wait_seconds=1e18,
        idempotency_key="\t",
        renews="yesterday",
    )
    assert set(faults_of(intent_of, wrong)) == {
        "agent_id",
        "provider_id",
        "costs",
        "model",
        "duration_hint",
        "max_wait_seconds",
        "idempotency_key",
        "renews",
    }


def test_a_renewed_intent_is_named_in_canonical_form():
    plain = INTENT_ID.replace("-", "").upper()
    assert intent_of(asked(renews=plain)).renews == INTENT_ID


def test_the_key_in_the_body_rules_over_the_one_beside_it():
    assert intent_of(asked(), key="beside").idempotency_key == "beside"
    assert intent_of(asked(idempotency_key="own"), key="beside").idempotency_key == "own"


def test_headers_of_a_report_lose_their_secrets():
    told = ReportRequest(
        headers={
            "X-RateLimit-Remaining": 41,
            "Retry-After": 1.5,
            "ETag": None,
            "Authorization": "Bearer x",
            "Set-Cookie": "y",
            " x-api-key ": "z",
        }
    )
    assert report_of(told).headers == {"x-ratelimit-remaining": "41", "retry-after": "1.5"}
    assert report_of(ReportRequest()).outcome == "success"
    many = {f"h{number}": "1" for number in range(201)}
    assert "headers" in faults_of(report_of, ReportRequest(headers=many))


@pytest.mark.parametrize("seconds", [0, -1, math.nan, 1e12])
def test_an_extension_needs_a_positive_span(seconds):
    assert "seconds" in faults_of(extension_of, ExtendRequest(seconds))


def test_an_observation_needs_headers_or_numbers_and_not_both():
    check = check_observation
    assert "headers" in faults_of(check, ObservationRequest("p"))
    assert "headers" in faults_of(check, ObservationRequest("p", "x", headers={}, used=1))
    assert "pool_id" in faults_of(check, ObservationRequest("p", used=1))
    assert "remaining" in faults_of(check, ObservationRequest("p", "x", remaining=1.5))
    assert "reset_at" in faults_of(check, ObservationRequest("p", "x", reset_at="tomorrow"))
    assert "ts_event" in faults_of(
        check, ObservationRequest("p", "x", used=1, ts_event="2026-01-01")
    )
    assert "reset_at" in faults_of(
        check, ObservationRequest("p", "x", reset_at="0001-01-01T00:00:00Z")
    )
    check(ObservationRequest("p", headers={}))


def test_an_observation_is_dated_when_it_says_but_never_in_the_future():
    past = ObservationRequest("p", "x", used=1.2, ts_event="2025-12-31T23:59:59Z")
    assert observation_of(past, NOW).dated == NOW - 1_000_000
    assert observation_of(past, NOW).used == 2
    future = ObservationRequest("p", "x", remaining=1, ts_event="2027-01-01T00:00:00+02:00")
    assert observation_of(future, NOW).dated == NOW
    reset = ObservationRequest("p", "x", reset_at="2026-01-01T01:00:00+01:00")
    assert observation_of(reset, NOW).reset_at == NOW


def test_a_registration_takes_a_reference_to_a_secret_but_never_the_secret():
    good = RegisterRequest("pat:a", secret_ref="env:GITHUB_TOKEN", labels={"env": "dev"})
    identity = identity_of(good, NOW)
    assert (identity.kind, identity.role, identity.created_at) == ("service", "agent", NOW)
    with pytest.raises(InvalidRequest) as refused:
        identity_of(RegisterRequest("pat:a", secret_ref="ghp_verysecret"), NOW)
    assert "verysecret" not in str(refused.value)


def test_a_registration_names_every_fault():
    wrong = RegisterRequest(
        "sentinel:system",
        kind="",
        provider_id="a/b",
        labels={f"l{number}": "x" for number in range(65)},
        metadata={"k": "v" * 1025},
        token="has a space",
        allowed_agents=["not an id"],
    )
    fields = faults_of(identity_of, wrong, NOW)
    assert set(fields) == {
        "identity_id",
        "kind",
        "provider_id",
        "labels",
        "metadata.'k'",
        "token",
        "allowed_agents",
    }


@pytest.mark.parametrize("token", ["", "x" * 513, "tökén", "a\tb"])
def test_a_token_that_no_header_could_carry_is_refused_without_repeating_it(token):
    message = faults_of(check_rotation, RotateRequest(token=token))["token"]
    assert not token or token not in message
