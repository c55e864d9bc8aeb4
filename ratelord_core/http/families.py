"""Histograms in the words of Prometheus, with exemplars that lead to a trace or a request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.samples import Exemplar

from ratelord_core.correlation import Correlation
from ratelord_core.distribution import Distribution

_LONGEST: Final = 100
"""Characters of an exemplar's value; OpenMetrics allows 128 with its name."""


def histogram(
    name: str,
    told: str,
    labels: Sequence[str],
    series: Iterable[tuple[Sequence[str], Distribution]],
    unit: int = 1,
) -> Metric:
    """A family with one series for each distribution; ``unit`` of its numbers make one."""
    family = HistogramMetricFamily(name, told, labels=labels)
    for values, one in series:
        family.add_metric(values, _buckets(one, unit), one.total / unit)
    return family


def _buckets(one: Distribution, unit: int) -> list[Any]:
    bounds = [*(f"{bound / unit:g}" for bound in one.bounds), "+Inf"]
    buckets: list[Any] = []
    below = 0
    for bound, count, example in zip(bounds, one.counts, one.examples, strict=True):
        below += count
        buckets.append((bound, below, None if example is None else _exemplar(example, unit)))
    return buckets


def _exemplar(example: tuple[int, Correlation], unit: int) -> Exemplar | None:
    value, named = example
    if named.trace_id:
        return Exemplar({"trace_id": named.trace_id}, value / unit)
    if len(named.request_id) > _LONGEST:
        return None
    return Exemplar({"request_id": named.request_id}, value / unit)
