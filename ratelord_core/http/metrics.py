"""Counters of the door itself, and the page on which all metrics stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from ratelord_core.arbiter import Arbiter
from ratelord_core.errors import RatelordError
from ratelord_core.http.exchange import Answer, Exchange, Reply
from ratelord_core.http.problems import status_of

_TEXT = b"text/plain; version=0.0.4; charset=utf-8"


class Tally(Collector):
    """Counts requests, and refusals by their code; codes are few, so labels are bounded."""

    def __init__(self) -> None:
        self.requests = 0
        self.refusals: Counter[str] = Counter()

    def refuse(self, error: Exception) -> None:
        """Count a refusal or a failure."""
        code = error.code if isinstance(error, RatelordError) else "internal_error"
        self.refusals["internal_error" if status_of(error) == 500 else code] += 1

    def collect(self) -> Iterator[Metric]:
        """The counters as metric families."""
        requests = CounterMetricFamily("ratelord_http_requests", "Requests that reached the door.")
        requests.add_metric((), self.requests)
        refusals = CounterMetricFamily(
            "ratelord_http_refusals", "Requests that were refused, by code.", labels=("code",)
        )
        for code, number in sorted(self.refusals.items()):
            refusals.add_metric((code,), number)
        yield requests
        yield refusals


class Metrics:
    """What HTTP shows to a scraper."""

    def __init__(self, arbiter: Arbiter, tally: Tally) -> None:
        self._arbiter = arbiter
        self._registry = CollectorRegistry()
        self._registry.register(tally)

    async def show(self, exchange: Exchange) -> Answer:
        """Counters and gauges in Prometheus text form."""
        text = self._arbiter.metrics()
        separator = "" if not text or text.endswith("\n") else "\n"
        body = text.encode() + separator.encode() + generate_latest(self._registry)
        return Reply(body, content_type=_TEXT)
