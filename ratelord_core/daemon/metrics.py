"""The daemon's gauges and counters in Prometheus text form."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ratelord_core.local_arbiter import LocalArbiter
from ratelord_core.model.views import PoolView

_POOL_LABELS = ("provider_id", "pool_id")
Value = Callable[[PoolView], float | None]

_GAUGES: tuple[tuple[str, str, Value], ...] = (
    ("ratelord_usage", "Units used in the present window.", lambda pool: pool.used),
    (
        "ratelord_held",
        "Units held by approved actions that were not reported.",
        lambda pool: pool.held,
    ),
    ("ratelord_available", "Units that could be approved now.", lambda pool: pool.available),
    ("ratelord_limit", "The pool's limit.", lambda pool: pool.limit),
)


class Metrics:
    """Collects from the arbiter when somebody asks."""

    def __init__(self, arbiter: LocalArbiter) -> None:
        self._arbiter = arbiter
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> str:
        """All metrics."""
        return generate_latest(self._registry).decode()

    def collect(self) -> Iterator[Metric]:
        """One family a metric."""
        pools = self._arbiter.pools()
        for name, help_text, value in _GAUGES:
            yield _gauge(name, help_text, pools, value)
        yield _gauge(
            "ratelord_exhaustion_probability",
            "Probability that the pool runs dry before its reset.",
            pools,
            lambda pool: pool.forecast.p_exhaustion if pool.forecast else None,
        )
        yield _forecasts(pools)
        yield from self._journal()
        decisions = CounterMetricFamily(
            "ratelord_intent", "Decisions by kind and reason.", labels=("decision", "reason_code")
        )
        for (decision, code), count in sorted(self._arbiter.decided.items()):
            decisions.add_metric((decision, code), count)
        yield decisions

    def _journal(self) -> Iterator[Metric]:
        journal = self._arbiter.journal
        yield GaugeMetricFamily("ratelord_seq", "The newest durable event.", journal.seq)
        yield GaugeMetricFamily("ratelord_journal_queue", "Writes not durable yet.", journal.queued)
        yield GaugeMetricFamily(
            "ratelord_journal_last_batch", "Events of the last commit.", journal.last_batch
        )
        yield CounterMetricFamily("ratelord_journal_commits", "Commits so far.", journal.batches)


def _gauge(name: str, help_text: str, pools: list[PoolView], value: Value) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=_POOL_LABELS)
    for pool in pools:
        number = value(pool)
        if number is not None:
            family.add_metric((pool.provider_id, pool.pool_id), number)
    return family


def _forecasts(pools: list[PoolView]) -> Metric:
    family = GaugeMetricFamily(
        "ratelord_forecast_seconds",
        "Time to exhaustion by quantile; absent beyond the reset.",
        labels=(*_POOL_LABELS, "quantile"),
    )
    for pool in pools:
        said = pool.forecast
        if said is None:
            continue
        bounds = (
            ("0.5", said.tte_p50_seconds),
            ("0.9", said.tte_p90_seconds),
            ("0.99", said.tte_p99_seconds),
        )
        for quantile, seconds in bounds:
            if seconds is not None:
                family.add_metric((pool.provider_id, pool.pool_id, quantile), seconds)
    return family
