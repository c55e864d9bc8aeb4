"""Where a reader of the event stream has got to, and when to give up on it."""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord.errors import ClientClosed, RatelordError, RequestRefused, UpstreamError
from ratelord.readers import EventFilters, event_stream
from ratelord.wire import Call

MOST_RECONNECTS = 30
SILENCE_SECONDS = 60.0
"""A stream that says nothing for so long, not even a heartbeat, is dead."""


class StreamPosition:
    """Resumes without loss or repeat: after every event it knows the ``seq`` to go on from."""

    def __init__(self, filters: EventFilters) -> None:
        self._call = event_stream(filters)
        self._seq = ""
        self._connected = False
        self._failures = 0

    def call(self) -> Call:
        """The request of the next connection."""
        if not self._seq:
            return self._call
        return msgspec.structs.replace(self._call, query=self._call.query | {"after": self._seq})

    def headers(self) -> dict[str, str]:
        """Its headers: what was seen last, if anything."""
        accept = {"accept": "text/event-stream"}
        return accept | {"last-event-id": self._seq} if self._seq else accept

    def opened(self) -> None:
        """The daemon accepted the connection."""
        self._connected = True
        self._failures = 0

    def advance(self, seq: str, data: str) -> dict[str, Any]:
        """The event of one message."""
        self._seq = seq or self._seq
        try:
            return msgspec.json.decode(data, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise UpstreamError(
                f"the stream holds something that is no event ({error})", status=200
            ) from None

    def lost(self, error: RatelordError | None) -> None:
        """The connection ended. Raises the error if going on is hopeless."""
        self._failures += 1
        hopeless = not self._connected or self._failures > MOST_RECONNECTS
        if error is not None and (hopeless or isinstance(error, RequestRefused | ClientClosed)):
            raise error

    def pause(self) -> float:
        """Seconds to wait before the next connection."""
        return min(2.0, 0.1 * 2.0 ** min(self._failures, 6))
