"""The daemon's gauges, counters and histograms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ratelord_core.http.families import histogram
from ratelord_core.local_arbiter import LocalArbiter
from ratelord_core.model.instant import SECOND
from ratelord_core.model.pool import PART
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


MOST_POOLS: Final = 1000
"""Pools with series of their own, the first by name: a page of metrics must stay readable."""


class Metrics(Collector):
    """Collects from the arbiter when somebody asks. ``replayed`` tells how many seconds it took to
    rebuild the state, and from how many events."""

    def __init__(self, arbiter: LocalArbiter, replayed: Callable[[], tuple[float, int]]) -> None:
        self._arbiter = arbiter
        self._replayed = replayed
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> str:
        """All metrics."""
        return generate_latest(self._registry).decode()

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is shows when somebody asks."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """One family a metric."""
        pools = self._arbiter.pools()
        yield GaugeMetricFamily("ratelord_pools", "Pools that are known.", len(pools))
        # the parts of a pool are as many as there are names
        pools = [pool for pool in pools if PART not in pool.pool_id][:MOST_POOLS]
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
        yield from self._system()
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
        yield histogram(
            "ratelord_journal_batch_events", "Events of a commit.", (), [((), journal.sizes)]
        )
        yield histogram(
            "ratelord_journal_commit_duration_seconds",
            "From taking a batch in hand to its being durable.",
            (),
            [((), journal.spans)],
            SECOND,
        )

    def _system(self) -> Iterator[Metric]:
        seconds, events = self._replayed()
        yield GaugeMetricFamily(
            "ratelord_replay_seconds", "What it took to rebuild the state last.", seconds
        )
        yield GaugeMetricFamily(
            "ratelord_replay_events", "Events that were replayed for that.", events
        )
        health = self._arbiter.health()
        yield GaugeMetricFamily(
            "ratelord_read_only",
            "Whether nothing can be decided now.",
            health.status == "read_only",
        )
        yield GaugeMetricFamily(
            "ratelord_risk_score", "The risk of the system as a whole, 0 to 100.", health.risk_score
        )
        yield GaugeMetricFamily(
            "ratelord_failed_models",
            "Pools whose forecast model fails: what draws from them is denied.",
            len(health.failed_models),
        )
        providers = GaugeMetricFamily(
            "ratelord_provider_healthy",
            "Whether an account's provider answers its polls.",
            labels=("provider_id",),
        )
        for provider_id, provider in sorted(health.providers.items())[:MOST_POOLS]:
            providers.add_metric((provider_id,), provider.state == "healthy")
        yield providers


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
