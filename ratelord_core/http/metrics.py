"""Counters of the door itself, and the page on which all metrics stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ratelord_core.arbiter import Authority
from ratelord_core.errors import RatelordError
from ratelord_core.http.exchange import Answer, Exchange, Reply
from ratelord_core.http.problems import status_of

OPENMETRICS: Final = "application/openmetrics-text"


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

    def __init__(self, arbiter: Authority, *own: Collector) -> None:
        self._registry = CollectorRegistry()
        for collector in (_Families(arbiter), *own):
            self._registry.register(collector)

    async def show(self, exchange: Exchange) -> Answer:
        """Every metric, as Prometheus or, with exemplars, as OpenMetrics, whichever `Accept` takes.

        No label's values come from strangers, so the page stays bounded.
        """
        accepted = exchange.headers.get(b"accept", b"").decode("latin-1")
        encode, content_type = choose_encoder(accepted)
        return Reply(encode(self._registry), content_type=content_type.encode("ascii"))

    def families(self) -> Iterable[Metric]:
        """The same, not yet written."""
        return list(self._registry.collect())


class _Families(Collector):
    """What the arbiter knows."""

    def __init__(self, arbiter: Authority) -> None:
        self._arbiter = arbiter

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is shows when somebody asks."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The arbiter's metric families."""
        return self._arbiter.families()
