"""The envelope: who wrote an event down, when, about whom, and because of what.

``gc=False`` here and on the events of an intent: nothing that they hold leads back to them, and
there are so many that following them would be most of what the garbage collector does.
"""

from __future__ import annotations

import msgspec

from ratelord_core.events.payloads import Payload
from ratelord_core.model.dimensions import DAEMON, Dimensions
from ratelord_core.model.ids import uuid_text
from ratelord_core.model.instant import Micros


class Source(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an event came from: ``origin_kind`` (daemon, http, cli, …), who, which writer."""

    origin_kind: str = "daemon"
    origin_id: str = ""
    writer_id: str = ""


DAEMON_SOURCE = Source()


class Draft(msgspec.Struct, frozen=True, gc=False):
    """An event before it has its place in the log.

    ``event_id`` and ``correlation_id`` are raw UUIDs; a correlation is the intent (or run) that an
    event belongs to, a causation the event that led to it.
    """

    event_id: bytes
    ts_event: Micros
    payload: Payload
    dimensions: Dimensions = DAEMON
    source: Source = DAEMON_SOURCE
    correlation_id: bytes = b""
    causation_id: bytes = b""


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event in its place: ``seq`` is the order of truth, gapless from 1."""

    seq: int
    event_id: bytes
    event_type: str
    schema_version: int
    ts_event: Micros
    ts_ingest: Micros
    epoch: int
    source: Source
    dimensions: Dimensions
    correlation_id: bytes
    causation_id: bytes
    payload: Payload
    chain: bytes = b""

    @property
    def intent_id(self) -> str:
        """The intent this event belongs to: its own id if it asked the question."""
        return uuid_text(self.correlation_id or self.event_id)
