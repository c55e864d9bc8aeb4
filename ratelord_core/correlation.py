"""What a request is called: the names by which its log lines, spans and events are found again."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

import msgspec


class Correlation(msgspec.Struct, gc=False):
    """A request's names, filled in as they become known.

    ``trace_id`` is the caller's trace, empty if it sent none. ``intent_id``, ``event_id`` (raw
    UUID of the event that holds the answer) and ``decision`` are the last that it led to.
    """

    request_id: str
    trace_id: str = ""
    intent_id: str = ""
    event_id: bytes = b""
    decision: str = ""


CURRENT: Final[ContextVar[Correlation]] = ContextVar("ratelord_request")
"""The request on whose behalf something happens now."""
