"""The daemon's log, fetched over its interface and read back into events."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from ratelord import AsyncClient
from ratelord_core.events.catalogue import CATALOGUE
from ratelord_core.events.envelope import Event, Source
from ratelord_core.events.payloads import Payload, Unknown
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import uuid_bytes
from ratelord_core.model.instant import from_text

MOST = 200_000
"""Events that are fetched; an older daemon's log is not judged."""
_PAGE = 1000


async def fetch(client: AsyncClient) -> list[Event] | None:
    """The whole log, oldest first; None if it is too long, or does not begin at its beginning."""
    found: list[Event] = []
    while len(found) <= MOST:
        after = found[-1].seq if found else 0
        page = await client.events(after=after, limit=_PAGE, order="asc")
        found += [event_of(one) for one in page]
        if not page:
            return found if not found or found[0].seq == 1 else None
    return None


def event_of(shown: dict[str, Any]) -> Event:
    """An event as it is shown, read back."""
    related = shown["correlation"]
    return Event(
        seq=shown["seq"],
        event_id=uuid_bytes(shown["event_id"]),
        event_type=shown["event_type"],
        schema_version=shown["schema_version"],
        ts_event=from_text(shown["ts_event"]),
        ts_ingest=from_text(shown["ts_ingest"]),
        epoch=shown["epoch"],
        source=Source(**shown["source"]),
        dimensions=Dimensions(**shown["dimensions"]),
        correlation_id=_raw(related["correlation_id"]),
        causation_id=_raw(related["causation_id"]),
        payload=_payload(shown),
        chain=bytes.fromhex(shown["chain"]),
    )


def _raw(text: str | None) -> bytes:
    return uuid_bytes(text) if text else b""


def _payload(shown: dict[str, Any]) -> Payload:
    kind = CATALOGUE.get(shown["event_type"])
    if kind is None or shown["schema_version"] != kind.schema_version:
        return Unknown(content=shown["payload"])
    found: Payload = _struct(shown["payload"], kind)
    return found


def _struct(value: dict[str, Any], kind: type[Any]) -> Any:
    """A record from its named fields, though it may be written by position elsewhere."""
    hints = get_type_hints(kind)
    known = {field.name: field.encode_name for field in msgspec.structs.fields(kind)}
    given = {
        name: value[name] if name in value else value[written]
        for name, written in known.items()
        if name in value or written in value
    }
    return kind(**{name: _value(one, hints[name]) for name, one in given.items()})


def _value(value: Any, kind: Any) -> Any:
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        fits = next((one for one in inside if _is_record(one)), None)
        if isinstance(value, dict) and fits is not None:
            return _struct(value, fits)
    elif _is_record(kind) and isinstance(value, dict):
        return _struct(value, kind)
    elif origin is tuple and len(inside) == 2 and inside[1] is ...:
        return tuple(_value(one, inside[0]) for one in value)
    return msgspec.convert(value, kind)


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
