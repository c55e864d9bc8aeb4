"""What a plugin needs in order to carry traces and metrics elsewhere.

An exporter hears of a request after its answer is on the way, so it can neither delay nor change
one; nothing is spent on requests while no exporter is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

from ratelord_core.model.instant import Micros


class FinishedRequest(msgspec.Struct, frozen=True, gc=False):
    """A request that was answered, from ``start`` to ``end``.

    ``route`` is the path's template, empty where nothing is. ``traceparent`` is the caller's (W3C
    Trace Context), empty if it sent none; ``span_id`` (16 hexadecimal digits) is then what the
    reply's ``traceresponse`` told it. ``intent_id`` and ``decision`` are set if it was answered
    with one decision.
    """

    method: str
    route: str
    status: int
    start: Micros
    end: Micros
    request_id: str
    traceparent: str = ""
    span_id: str = ""
    intent_id: str = ""
    decision: str = ""


class Exporting(msgspec.Struct, frozen=True):
    """What an exporter is opened with. ``families`` collects every metric, as prometheus_client's
    ``Metric``; it may be called from any thread and waits for the daemon's loop, a second at most.
    """

    version: str
    families: Callable[[], Iterable[Any]]


class OpenExporter(Protocol):
    """An exporter while the daemon runs."""

    def finished(self, request: FinishedRequest) -> None:
        """A request was answered. Called on the daemon's loop: take it and be quick."""
        ...

    def close(self) -> None:
        """Send what is left and end. Called in a thread of its own, so it may block."""
        ...


class Exporter(Protocol):
    """Opens one kind of export."""

    name: str

    def open(self, exporting: Exporting) -> OpenExporter | None:
        """The exporter; None if the environment does not ask for it. Called once, when the daemon
        begins to listen."""
        ...
