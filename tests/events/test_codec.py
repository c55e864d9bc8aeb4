"""Events keep their meaning through the stored form, whose bytes are canonical JSON."""

import json
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from ratelord_core.clock import SeededEntropy
from ratelord_core.events import upcast as upcasting
from ratelord_core.events.catalogue import CATALOGUE
from ratelord_core.events.codec import Sealer, happening_of, open_record, raw_payload
from ratelord_core.events.envelope import Draft, Source
from ratelord_core.events.payloads import IntentSubmitted, SystemStopped, Unknown
from ratelord_core.events.record import GENESIS, Record
from ratelord_core.events.verify import verify
from ratelord_core.model.dimensions import Dimensions

EXACT = st.integers(-(2**53) + 1, 2**53 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
KEYS = st.text(st.characters(min_codepoint=0, max_codepoint=127), max_size=8)
ANYTHING = st.recursive(
    st.none() | st.booleans() | EXACT | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
TIMES = st.integers(0, 2**52)
PAYLOADS = sorted(CATALOGUE.items())


PLAIN = {
    inspect.StrType: TEXT,
    inspect.BoolType: st.booleans(),
    inspect.IntType: EXACT,
    inspect.NoneType: st.none(),
    inspect.AnyType: ANYTHING,
}


def values_of(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Values of a declared type, however deeply it is built."""
    match kind:
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.UnionType():
            return st.one_of([values_of(part) for part in kind.types])
        case inspect.DictType():
            return st.dictionaries(KEYS, values_of(kind.value_type), max_size=3)
        case inspect.VarTupleType():
            return st.lists(values_of(kind.item_type), max_size=3).map(tuple)
        case inspect.TupleType():
            return st.tuples(*(values_of(part) for part in kind.item_types))
        case inspect.StructType():
            fields = {field.name: values_of(field.type) for field in kind.fields}
            return st.builds(kind.cls, **fields)
    return PLAIN[type(kind)]


def payloads(kind):
    return values_of(inspect.type_info(kind))


def sealed(payload, ts_ingest=1000, **envelope):
    draft = Draft(**({"event_id": bytes(16), "ts_event": 1000, "payload": payload} | envelope))
    return Sealer(SeededEntropy(), seq=0, chain=GENESIS).seal(draft, ts_ingest)


def canonical(body):
    return rfc8785.dumps(json.loads(body))


def assert_told_as_opened(record: Record) -> None:
    """A replay hears of a record what whoever opens it sees."""
    event = open_record(record)
    seen = (event.ts_event, event.dimensions, event.intent_id, event.payload)
    assert happening_of(record) == seen


@pytest.mark.parametrize(("name", "kind"), PAYLOADS)
def test_every_payload_comes_back_as_it_was_and_its_bytes_are_canonical(name, kind):
    @settings(deadline=None)
    @given(payloads(kind))
    def check(payload):
        record = sealed(payload)
        assert open_record(record).payload == payload
        assert record.event_type == name
        assert record.body == canonical(record.body)
        assert_told_as_opened(record)

    check()


@settings(deadline=None)
@given(
    event_id=st.binary(min_size=16, max_size=16),
    correlation_id=st.just(b"") | st.binary(min_size=16, max_size=16),
    causation_id=st.just(b"") | st.binary(min_size=16, max_size=16),
    names=st.tuples(TEXT, TEXT, TEXT, TEXT),
    source=st.builds(Source, TEXT, TEXT, TEXT),
    ts_event=TIMES,
    ts_ingest=TIMES,
)
def test_the_envelope_comes_back_as_it_was(
    event_id, correlation_id, causation_id, names, source, ts_event, ts_ingest
):
    dimensions = Dimensions(*names)
    record = sealed(
        SystemStopped(),
        ts_ingest,
        event_id=event_id,
        ts_event=ts_event,
        correlation_id=correlation_id,
        causation_id=causation_id,
        dimensions=dimensions,
        source=source,
    )
    event = open_record(record)
    assert (event.seq, event.event_id, event.schema_version, event.epoch) == (1, event_id, 1, 1)
    assert (event.ts_event, event.ts_ingest) == (ts_event, ts_ingest)
    assert (event.correlation_id, event.causation_id) == (correlation_id, causation_id)
    assert (event.dimensions, event.source) == (dimensions, source)
    assert event.chain == record.chain
    assert record.body == canonical(record.body)
    assert_told_as_opened(record)


@settings(deadline=None)
@given(st.dictionaries(KEYS, ANYTHING, max_size=5))
def test_an_unknown_type_is_carried_through_untouched(content):
    class Newer(Unknown, frozen=True, kw_only=True):
        event_type = "of_a_newer_peer"

    record = sealed(Newer(content=content))
    event = open_record(record)
    assert event.event_type == "of_a_newer_peer"
    assert event.payload == Unknown(content=content)
    assert raw_payload(record) == content


def with_payload(record, change, version=1):
    """The record as another version of this program would have written it."""
    body = json.loads(record.body)
    body[0] = version
    body[6] = change(body[6])
    return msgspec.structs.replace(record, body=json.dumps(body).encode())


def test_unknown_fields_do_not_disturb_and_are_not_lost():
    record = with_payload(sealed(SystemStopped(reason="x")), lambda old: old | {"mood": "calm"})
    assert open_record(record).payload == SystemStopped(reason="x")
    assert raw_payload(record) == {"reason": "x", "mood": "calm"}


def test_further_columns_of_a_newer_envelope_do_not_disturb():
    record = sealed(SystemStopped(reason="x"))
    longer = msgspec.structs.replace(record, body=record.body[:-1] + b',"more"]')
    assert open_record(longer).payload == SystemStopped(reason="x")


def test_a_newer_version_of_a_known_type_is_carried_as_unknown():
    record = with_payload(sealed(SystemStopped()), lambda _: {"reason": {"code": 3}}, version=2)
    event = open_record(record)
    assert_told_as_opened(record)
    assert event.schema_version == 2
    assert event.payload == Unknown(content={"reason": {"code": 3}})


@pytest.fixture
def third_version(monkeypatch):
    """``intent_submitted`` as if two changes of its meaning lay behind it."""

    class Later(IntentSubmitted, frozen=True, omit_defaults=True, kw_only=True):
        schema_version = 3

    monkeypatch.setitem(CATALOGUE, "intent_submitted", Later)
    monkeypatch.setattr(upcasting, "_STEPS", {})
    return Later


def test_an_old_payload_is_read_through_every_step(third_version):
    @upcasting.upcaster("intent_submitted", 1)
    def rename(content):
        return {"urgency": content.get("priority", "normal")}

    @upcasting.upcaster("intent_submitted", 2)
    def shout(content):
        return {"urgency": content["urgency"] + "!"}

    record = with_payload(sealed(IntentSubmitted()), lambda _: {"priority": "high"})
    event = open_record(record)
    assert_told_as_opened(record)
    assert event.schema_version == 1
    assert event.payload == third_version(urgency="high!")
    assert raw_payload(record) == {"priority": "high"}, "what is stored is never rewritten"


def test_a_missing_step_is_an_error_that_names_it_and_a_fault_to_verification(third_version):
    record = sealed(IntentSubmitted())
    with pytest.raises(LookupError, match="intent_submitted v1"):
        open_record(record)
    fault = verify([record]).fault
    assert fault is not None
    assert fault.kind == "body"


def test_two_steps_from_one_version_are_refused(third_version):
    upcasting.upcaster("intent_submitted", 1)(dict)
    with pytest.raises(ValueError, match="already"):
        upcasting.upcaster("intent_submitted", 1)(dict)


def test_the_same_drafts_and_entropy_give_the_same_bytes():
    assert sealed(SystemStopped(reason="x")) == sealed(SystemStopped(reason="x"))


def test_salts_are_fresh_so_that_equal_events_have_unequal_digests():
    sealer = Sealer(SeededEntropy(), seq=0, chain=GENESIS)
    draft = Draft(bytes(16), 0, SystemStopped())
    assert sealer.seal(draft, 0).proof() != sealer.seal(draft, 0).proof()


@pytest.mark.parametrize(("name", "kind"), PAYLOADS)
def test_no_payload_declares_a_float(name, kind):
    assert not list(floats_in(inspect.type_info(kind), name))


def floats_in(kind, path, seen=frozenset()):
    """Where floats are declared, at any depth."""
    if isinstance(kind, inspect.FloatType):
        yield path
    if isinstance(kind, inspect.StructType) and kind.cls not in seen:
        for field in kind.fields:
            yield from floats_in(field.type, f"{path}.{field.name}", seen | {kind.cls})
    for name in ("types", "item_types"):
        for part in getattr(kind, name, ()):
            yield from floats_in(part, path, seen)
    for name in ("item_type", "key_type", "value_type"):
        if isinstance(part := getattr(kind, name, None), inspect.Type):
            yield from floats_in(part, path, seen)


@pytest.mark.parametrize(("name", "kind"), PAYLOADS)
def test_every_type_is_listed_under_its_own_name_and_documented(name, kind):
    assert kind.event_type == name
    assert kind.__doc__
