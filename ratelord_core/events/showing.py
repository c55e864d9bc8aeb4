"""An event as readers see it: names instead of positions, text instead of bytes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec

from ratelord_core.events.codec import open_record, raw_payload
from ratelord_core.events.payloads import Unknown
from ratelord_core.events.record import Record
from ratelord_core.model.ids import uuid_text
from ratelord_core.model.instant import to_text
from ratelord_core.model.views import EventView

_KEPT_BACK: Final = frozenset({"token_hash", "old_token_hash"})
"""Fields that no reader needs, and that would let one test guesses at somebody's token."""


def event_view(record: Record) -> EventView:
    """The stored event in wire form; fields that this version does not know are kept."""
    event = open_record(record)
    payload = raw_payload(record)
    if not isinstance(event.payload, Unknown):
        payload |= _named(event.payload)
    return EventView(
        event_id=uuid_text(event.event_id),
        seq=event.seq,
        event_type=event.event_type,
        schema_version=event.schema_version,
        ts_event=to_text(event.ts_event),
        ts_ingest=to_text(event.ts_ingest),
        epoch=event.epoch,
        source=_fields(event.source),
        dimensions=_fields(event.dimensions),
        correlation={
            "correlation_id": _id_text(event.correlation_id),
            "causation_id": _id_text(event.causation_id),
        },
        payload=_fit_to_show(payload),
        digest=record.proof().hex(),
        chain=event.chain.hex(),
    )


def _id_text(raw: bytes) -> str | None:
    return uuid_text(raw) if raw else None


def _fields(struct: msgspec.Struct) -> dict[str, Any]:
    return {name: _plain(getattr(struct, name)) for name in struct.__struct_fields__}


def _named(payload: msgspec.Struct) -> dict[str, Any]:
    """The fields that differ from their defaults, positions turned into names."""
    return {
        name: _plain(getattr(payload, name))
        for name, default in _defaults(type(payload))
        if getattr(payload, name) != default
    }


@lru_cache(maxsize=256)
def _defaults(kind: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, _default(field)) for field in msgspec.structs.fields(kind))


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _fit_to_show(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _fit_to_show(inner) for name, inner in value.items() if name not in _KEPT_BACK
        }
    return [_fit_to_show(inner) for inner in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _fields(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
