"""Bytes to requests: what is taken, what is refused, and what it is called."""

from __future__ import annotations

import json
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.errors import InvalidRequest, Refused
from ratelord_core.http.wire import BatchCodec, Codec
from ratelord_core.wire.intent import IntentRequest, ReportRequest, intent_of

INTENTS = Codec(IntentRequest)
BATCH = BatchCodec(IntentRequest, "intents", 3, intent_of)
MANY = BatchCodec(IntentRequest, "intents", 1000, intent_of)
IDS = {"agent_id": "a", "identity_id": "i", "workload_id": "w", "scope_id": "s"}


def body(**changes) -> bytes:
    return json.dumps({**IDS, **changes}).encode()


def refusal(call, raw: bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        call(raw)
    return refused.value


def fields(error: Refused) -> dict[str, str]:
    assert isinstance(error, InvalidRequest)
    return {fault.field: fault.message for fault in error.fields}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nul",
        b'{"agent_id": "a",}',
        b"{'agent_id': 'a'}",
        body() + b"x",
        body(agent_id="\ud800"),
        b'{"agent_id": "\xff"}',
        b'{"unknown": "\xff"}',
        b'\xef\xbb\xbf{"agent_id": "a"}',
        b'{"agent_id": "a\x00"}',
        b'{"expected_cost": NaN}',
        b'{"expected_cost": Infinity}',
        b"[" * 30_000 + b"]" * 30_000,
        b'{"unknown": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    ],
)
def test_what_is_not_json_is_refused_in_one_line(raw):
    error = refusal(INTENTS.decode, raw)
    assert error.code == "malformed_json"
    assert "\n" not in str(error)


def test_what_is_too_deep_is_refused_in_one_line():
    raw = b'{"client_context": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}"
    error = refusal(INTENTS.decode, raw)
    # How deep the decoder itself goes is another matter in each version of Python.
    assert error.code in ("malformed_json", "invalid_request")
    assert "\n" not in str(error)


@pytest.mark.parametrize("raw", [b"[]", b"null", b"3", b'"text"', b"true"])
def test_a_body_that_is_no_object_is_refused(raw):
    assert "not a JSON object" in str(refusal(INTENTS.decode, raw))


def test_every_missing_field_is_named_at_once():
    assert set(fields(refusal(INTENTS.decode, b"{}"))) == set(IDS)


def test_every_field_of_a_wrong_type_is_named_at_once():
    wrong = body(agent_id=3, urgency="soon", expected_cost="1", costs={"a/b": None}, dry_run=1)
    found = fields(refusal(INTENTS.decode, wrong))
    assert set(found) == {"agent_id", "urgency", "expected_cost", "costs", "dry_run"}
    assert found["agent_id"] == "takes a text, not a whole number"
    assert found["expected_cost"] == "takes a number or null, not a text"
    assert found["urgency"] == "'soon' is not one of high, normal, background"


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400])
def test_numbers_beyond_every_range_are_refused(number):
    raw = body()[:-1] + f', "expected_cost": {number}}}'.encode()
    assert "expected_cost" in fields(refusal(lambda raw: intent_of(INTENTS.decode(raw)[0]), raw))


def test_integral_floats_and_big_integers_keep_their_value():
    raw = body(expected_cost=3.0, costs={"a/b": 2**53 - 1})
    intent = intent_of(INTENTS.decode(raw)[0])
    assert intent.expected_cost == 3
    assert intent.costs == {"a/b": 2**53 - 1}
    beyond = INTENTS.decode(body(expected_cost=2**53))[0]
    with pytest.raises(InvalidRequest):
        intent_of(beyond)


def test_unknown_fields_are_ignored_and_named():
    request, warning = INTENTS.decode(body(colour="red", **{"größe\r\nx": 1}))
    assert intent_of(request) == intent_of(INTENTS.decode(body())[0])
    assert warning == r"unknown fields ignored: colour, gr\xf6\xdfe\r\nx"
    assert warning.isascii()
    many = {f"field{number}": 1 for number in range(20)}
    assert INTENTS.decode(body(**many))[1].endswith("field9 and 10 more")


def test_the_last_of_two_equal_keys_counts():
    raw = b'{"agent_id": "first", ' + body()[1:]
    assert INTENTS.decode(raw)[0].agent_id == "a"


def test_nul_is_refused_in_every_form_but_not_its_spelling():
    error = refusal(INTENTS.decode, body(client_context={"deep": ["a\0"]}))
    assert "NUL" in str(error)
    assert "NUL" in str(refusal(INTENTS.decode, body(**{"a\0b": 1})))
    assert INTENTS.decode(body(client_context={"text": "\\u0000"}))[1] == ""


def test_a_batch_names_the_place_of_every_fault_of_an_entry():
    raw = b'{"intents": [' + body() + b', {"agent_id": 3}]}'
    assert "intents[1].agent_id" in fields(refusal(BATCH.decode, raw))
    assert "intents[1]" in str(refusal(BATCH.decode, b'{"intents": [' + body() + b", 3]}"))


def test_a_batch_names_every_entry_at_fault_whatever_the_fault_is():
    entries = [body(), b"3", body(agent_id="no id"), b"{}", body(urgency="now", odd=1), body()]
    error = refusal(MANY.decode, b'{"intents": [' + b",".join(entries) + b"]}")
    assert list(fields(error)) == [
        "intents[1]",
        "intents[2].agent_id",
        *(f"intents[3].{name}" for name in IDS),
        "intents[4].urgency",
    ]
    for place in fields(error):
        assert place in str(error)


def test_of_very_many_faults_a_hundred_are_named_and_the_others_counted():
    error = refusal(MANY.decode, b'{"intents": [' + b",".join([body(agent_id="")] * 300) + b"]}")
    assert list(fields(error)) == [f"intents[{place}].agent_id" for place in range(100)]
    assert str(error).endswith("and 290 more")


@pytest.mark.parametrize("wrong", [{"odd": 1}, {"agent_id": "no id"}, {"agent_id": 3}])
def test_what_is_wrong_a_thousand_times_costs_little_each_time(wrong):
    raw = b'{"intents": [' + b",".join([body(**wrong)] * 1000) + b"]}"
    with suppress(InvalidRequest):
        MANY.decode(raw)  # what is looked up once is known now
    calls = 0

    def count(_frame, event, _about):
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        with suppress(InvalidRequest):
            MANY.decode(raw)
    finally:
        sys.setprofile(before)

    assert calls < 150_000


def test_a_batch_is_decoded_in_order_with_its_warnings():
    raw = (
        b'{"intents": [' + body(agent_id="x") + b"," + body(agent_id="y", odd=1) + b'], "even": 2}'
    )
    batch, warning = BATCH.decode(raw)
    assert [request.agent_id for request in batch] == ["x", "y"]
    assert warning == "unknown fields ignored: even, intents[1].odd"
    assert BATCH.decode(b'{"intents": []}') == ([], "")


@pytest.mark.parametrize("raw", [b"{}", b"[]", b'{"intents": null}', b'{"intents": {}}'])
def test_a_batch_needs_an_array(raw):
    assert "intents" in fields(refusal(BATCH.decode, raw))


@pytest.mark.parametrize("odd", [{}, {"odd": 1}])
def test_a_batch_has_a_largest_size(odd):
    raw = json.dumps({"intents": [IDS] * 4, **odd}).encode()
    assert "at most 3" in str(refusal(BATCH.decode, raw))


def test_headers_may_be_numbers():
    told = Codec(ReportRequest).decode(b'{"headers": {"a": 1, "b": "x", "c": null}}')[0]
    assert told.headers == {"a": 1, "b": "x", "c": None}


@given(st.binary(max_size=200))
def test_no_bytes_whatever_get_past_but_as_a_refusal(raw):
    assert refusal(INTENTS.decode, raw).code in ("malformed_json", "invalid_request")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(IntentRequest.__struct_fields__, json_values))
)
def test_any_json_object_is_either_a_sound_intent_or_a_refusal(tree):
    try:
        intent = intent_of(INTENTS.decode(json.dumps({**IDS, **tree}).encode())[0])
    except Refused:
        return
    assert intent.expected_cost is None or 0 <= intent.expected_cost < 2**53
    assert intent.max_wait is None or intent.max_wait >= 0
