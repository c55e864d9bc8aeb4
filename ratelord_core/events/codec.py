"""Events to stored bytes and back: deterministic, versioned, tolerant of newer writers.

The body is a JSON array of ``[schema_version, ts_event - ts_ingest, epoch, source, dimensions,
causation_id, payload]``; a source that is no more than its kind is that word. Without floats and
with ASCII keys in sorted order its bytes equal the canonical form of RFC 8785.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from ratelord_core.events.catalogue import CATALOGUE
from ratelord_core.events.envelope import Draft, Event, Source
from ratelord_core.events.payloads import Payload, Unknown
from ratelord_core.events.record import Record, chain_of, digest_of
from ratelord_core.events.upcast import upcast
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import Entropy, uuid_text
from ratelord_core.model.instant import Micros

SALT_BYTES = 16


class _Body(msgspec.Struct, frozen=True, array_like=True, gc=False):
    schema_version: int
    ts_offset: Micros
    epoch: int
    source: str | Source
    dimensions: Dimensions
    causation_id: str
    payload: Any


class _RawBody(_Body, frozen=True, array_like=True):
    payload: msgspec.Raw


_encode = msgspec.json.Encoder(order="sorted").encode
_decode_body = msgspec.json.Decoder(_RawBody).decode
_decode_any = msgspec.json.Decoder(dict[str, Any]).decode
_NEVER = (b"no body begins like this", _decode_body)
_decoders = {name: msgspec.json.Decoder(kind).decode for name, kind in CATALOGUE.items()}


class Sealer:
    """Gives drafts their place: next ``seq``, salt, digest and chain, one after another."""

    def __init__(self, entropy: Entropy, *, seq: int, chain: bytes, epoch: int = 1) -> None:
        self._entropy = entropy
        self.seq = seq
        self.chain = chain
        self.epoch = epoch

    def seal(self, draft: Draft, ts_ingest: Micros) -> Record:
        """The draft as the next record of the log."""
        return self.seal_all((draft,), ts_ingest)[0]

    def seal_all(self, drafts: Sequence[Draft], ts_ingest: Micros) -> list[Record]:
        """The drafts as the next records of the log; all of them have their place, or none."""
        seq, chain, epoch = self.seq, self.chain, self.epoch
        salts, at = self._entropy.random_bytes(SALT_BYTES * len(drafts)), 0
        records = []
        for draft in drafts:
            payload, event_id, related = draft.payload, draft.event_id, draft.correlation_id
            event_type = payload.event_type
            body = _encode(
                _Body(
                    payload.schema_version,
                    draft.ts_event - ts_ingest,
                    epoch,
                    _written(draft.source),
                    draft.dimensions,
                    draft.causation_id.hex(),
                    payload.content if isinstance(payload, Unknown) else payload,
                )
            )
            salt, at = salts[at : at + SALT_BYTES], at + SALT_BYTES
            seq += 1
            chain = chain_of(
                chain, seq, digest_of(salt, event_id, related, event_type, ts_ingest, body)
            )
            records.append(Record(seq, event_id, event_type, ts_ingest, related, body, salt, chain))
        self.seq, self.chain = seq, chain
        return records


def open_record(record: Record) -> Event:
    """The event that a record holds; an unknown type or version comes back as ``Unknown``."""
    event_type, raw = record.event_type, record.body
    kind = CATALOGUE.get(event_type)
    beginning, decode = _NEVER if kind is None else _current(kind)
    if raw.startswith(beginning):
        body: _Body = decode(raw)
        payload = body.payload
    else:
        body = _decode_body(raw)
        payload = _payload(event_type, body.schema_version, body.payload)
    origin, caused_by = body.source, body.causation_id
    return Event(
        record.seq,
        record.event_id,
        event_type,
        body.schema_version,
        record.ts_ingest + body.ts_offset,
        record.ts_ingest,
        body.epoch,
        _origin(origin) if isinstance(origin, str) else origin,
        body.dimensions,
        record.correlation_id,
        bytes.fromhex(caused_by) if caused_by else b"",
        payload,
        record.chain,
    )


def happening_of(record: Record) -> tuple[Micros, Dimensions, str, Payload]:
    """What a fold wants of a record, and no more: when it happened, about whom, to which intent,
    and what."""
    raw = record.body
    kind = CATALOGUE.get(record.event_type)
    beginning, decode = _NEVER if kind is None else _current(kind)
    if raw.startswith(beginning):
        body: _Body = decode(raw)
        return (
            record.ts_ingest + body.ts_offset,
            body.dimensions,
            uuid_text(record.correlation_id or record.event_id),
            body.payload,
        )
    event = open_record(record)
    return event.ts_event, event.dimensions, event.intent_id, event.payload


def raw_payload(record: Record) -> dict[str, Any]:
    """The payload exactly as written, unknown fields included."""
    return _decode_any(_decode_body(record.body).payload)


def _written(source: Source) -> str | Source:
    return source if source.origin_id or source.writer_id else source.origin_kind


@lru_cache(maxsize=256)
def _current(kind: type[Payload]) -> tuple[bytes, Callable[[bytes], Any]]:
    """How bodies of a type begin in the version that is current, and what reads these at once."""
    whole = msgspec.defstruct(
        f"_{kind.__name__}Body",
        [("payload", kind)],
        bases=(_Body,),
        frozen=True,
        array_like=True,
        gc=False,
    )
    return b"[%d," % kind.schema_version, msgspec.json.Decoder(whole).decode


@lru_cache(maxsize=64)
def _origin(kind: str) -> Source:
    return Source(kind)


def _payload(event_type: str, version: int, raw: msgspec.Raw) -> Payload:
    kind = CATALOGUE.get(event_type)
    if kind is None or version > kind.schema_version:
        return Unknown(content=_decode_any(raw))
    if version == kind.schema_version:
        return _decoders[event_type](raw)
    return msgspec.convert(upcast(event_type, version, _decode_any(raw)), kind)
