"""Numbers as results show them: percentiles, histograms, fairness, six significant digits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ratelord_core.model.instant import SECOND, Micros

EDGES = (0.0, 0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Upper ends of a histogram's bars, in seconds; the last bar has none."""


def six(value: float | None) -> float | None:
    """Six significant digits: what is left of them differs between machines. None for what is not
    finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")


def percentile(ordered: Sequence[Micros], part: float) -> Micros | None:
    """The value that this part of all (sorted) values does not exceed; None of nothing."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def spread(spans: Iterable[Micros]) -> dict[str, Any]:
    """Percentiles, mean and histogram of spans, in seconds."""
    ordered = sorted(spans)
    found: dict[str, Any] = {"count": len(ordered)}
    for name, part in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)):
        found[name] = seconds(percentile(ordered, part))
    found["mean"] = six(sum(ordered) / len(ordered) / SECOND) if ordered else None
    found["histogram"] = _histogram(ordered)
    return found


def _histogram(ordered: Sequence[Micros]) -> list[dict[str, Any]]:
    bars = [0] * (len(EDGES) + 1)
    at = 0
    for span in ordered:
        while at < len(EDGES) and span > EDGES[at] * SECOND:
            at += 1
        bars[at] += 1
    ends: list[float | None] = [*EDGES, None]
    return [{"up_to": end, "count": n} for end, n in zip(ends, bars, strict=True)]


def seconds(span: Micros | None) -> float | None:
    """A span in seconds."""
    return None if span is None else six(span / SECOND)


def jain(shares: Iterable[float]) -> float | None:
    """Jain's index of fairness: 1 = all alike, 1/n = one has everything; None of nobody."""
    found = list(shares)
    squares = sum(share * share for share in found)
    if not found:
        return None
    return 1.0 if squares == 0 else sum(found) ** 2 / (len(found) * squares)


def most_within(instants: Iterable[Micros], span: Micros) -> int:
    """The most instants that lie within one span of each other."""
    ordered = sorted(instants)
    most = first = 0
    for last, instant in enumerate(ordered):
        while instant - ordered[first] >= span:
            first += 1
        most = max(most, last - first + 1)
    return most


def ratio(part: float, whole: float) -> float | None:
    """A share; None of nothing."""
    return part / whole if whole else None
