"""How long requests took: counted by route, shown to scrapers, told to exporters and to the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from ratelord_core.correlation import Correlation
from ratelord_core.distribution import SPANS, Distribution
from ratelord_core.exporter import FinishedRequest, OpenExporter
from ratelord_core.http.families import histogram
from ratelord_core.model.instant import SECOND, Micros

_log = logging.getLogger("ratelord.http.request")
_SPAN: Final = slice(51, 67)
"""Where a ``traceresponse`` line has the span's id."""


class Timings(Collector):
    """One distribution for each route; routes are few, so labels are bounded. ``now`` tells µs.

    Streams are not counted: they last as long as somebody listens.
    """

    def __init__(self, now: Callable[[], Micros]) -> None:
        self.now = now
        self.exporters: tuple[OpenExporter, ...] = ()
        self._by_route: dict[str, Distribution] = {}
        self._told = _log.isEnabledFor(logging.DEBUG)

    def finished(
        self,
        method: str,
        route: str,
        status: int,
        since: Micros,
        named: Correlation,
        trace: tuple[bytes, bytes],
    ) -> None:
        """A request was answered. ``trace`` is its ``traceparent`` and the ``traceresponse`` line
        that went back, both empty if it is not traced."""
        end = self.now()
        spans = self._by_route.get(route)
        if spans is None:
            spans = self._by_route[route] = Distribution(SPANS)
        spans.note(end - since, named)
        if self.exporters:
            self._export(FinishedRequest(
                method,
                route,
                status,
                since,
                end,
                named.request_id,
                trace[0].decode("latin-1").strip(),
                trace[1][_SPAN].decode("ascii"),
                named.intent_id,
                named.decision,
            ))  # fmt: skip
        if self._told:
            _log.debug("%s %s: %d after %d µs", method, route or "?", status, end - since)

    def _export(self, request: FinishedRequest) -> None:
        for exporter in self.exporters:
            try:
                exporter.finished(request)
            except Exception:
                logging.getLogger("ratelord.http").exception("an exporter failed: %r", exporter)

    def collect(self) -> Iterator[Metric]:
        """The distributions as one histogram, in seconds."""
        yield histogram(
            "ratelord_http_request_duration_seconds",
            "From a request's head (on the express lane: its last byte) to its reply, by route.",
            ("route",),
            (((route or "none",), spans) for route, spans in sorted(self._by_route.items())),
            SECOND,
        )
