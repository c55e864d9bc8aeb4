"""The plots of a result, each with a sentence that says what can be seen in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ratelord_sim.report.svg import Plot, moments
from ratelord_sim.result import Result

_STACK = ("approved", "modified", "denied", "errors", "refused")
_NAMES = {
    "approved": "approved", "modified": "told to wait, or to do it otherwise", "denied": "denied",
    "errors": "no answer", "refused": "refused by the provider",
}  # fmt: skip
_MOST_MARKS = 60


def pool_plots(result: Result) -> Iterator[tuple[str, str, str]]:
    """For each pool its key, a sentence, and the plot of its use."""
    step = result["series"]["step_seconds"]
    for key, series in result["series"]["pools"].items():
        pool = result["pools"][key]
        known, held = series["known"], series["held"]
        promised = [used + more for used, more in zip(known, held, strict=True)]
        limits = [limit for limit in series["limit"] if limit is not None]
        top = max([*limits, *series["used"], *promised, 1])
        plot = Plot(key, result["duration_seconds"], top * 1.02, pool["unit"])
        for end in pool["resets"] if pool["resets_count"] <= _MOST_MARKS else ():
            share = "" if end["utilisation"] is None else f", {100 * end['utilisation']:.0f} % used"
            plot.mark(end["at_seconds"], f"reset{share}")
        plot.area(step, known, promised, "held", "promised beside what is used")
        plot.line(step, series["used"], "used", "used, as the provider counts")
        plot.line(step, known, "known", "used, as the daemon knows")
        plot.line(step, series["limit"], "limit", "limit")
        yield key, _pool_words(pool), plot.drawn(moments(result["duration_seconds"]))


def _pool_words(pool: dict[str, Any]) -> str:
    limit = "no limit" if pool["limit"] is None else f"{pool['limit']:,} {pool['unit']}"
    words = f"{limit}, {pool['window']} window."
    if pool["utilisation_mean"] is not None:
        ended = f"{pool['resets_count']} windows" if pool["resets_count"] > 1 else "one window"
        words += f" {ended} ended with {100 * pool['utilisation_mean']:.0f} % used on average."
    if pool["hidden_units"]:
        words += f" {pool['hidden_units']:,} units were spent behind the daemon's back."
    if pool["over_admissions"]:
        words += f" {pool['over_admissions']:,} approvals went past what was known to be there."
    return words


def decisions_plot(result: Result) -> tuple[str, str]:
    """A sentence, and bars of what was decided in each step."""
    series, step = result["series"]["decisions"], result["series"]["step_seconds"]
    heights = [sum(column) for column in zip(*(series[kind] for kind in _STACK), strict=True)]
    duration = result["duration_seconds"]
    plot = Plot("decisions", duration, max([*heights, 1]), f"per {step:.3g} s")
    for number in range(len(heights)):
        floor = 0.0
        for kind in _STACK:
            count = series[kind][number]
            if count:
                name = f"{number * step:.4g} s: {count} {_NAMES[kind]}"
                begin = number * step
                plot.bar(begin, begin + step, floor, floor + count, kind, name)
                floor += count
    busiest = max(range(len(heights)), key=heights.__getitem__, default=0)
    most = heights[busiest] if heights else 0
    words = f"What was answered in every {step:.3g} s; at most {most:,}, at {busiest * step:.4g} s."
    return words, plot.drawn(moments(duration))


def waits_plot(result: Result) -> tuple[str, str]:
    """A sentence, and a histogram of waits."""
    waits = result["totals"]["wait_seconds"]
    bars = waits["histogram"]
    plot = Plot("waits", len(bars), max([bar["count"] for bar in bars] + [1]), "actions, by wait")
    words_across: list[tuple[float, str]] = []
    for number, bar in enumerate(bars):
        name = _upto(bar["up_to"])
        words_across.append((number + 0.5, name))
        plot.bar(number + 0.1, number + 0.9, 0, bar["count"], "waits", f"{bar['count']} {name}")
    at_once = bars[0]["count"]
    words = f"{at_once:,} of {waits['count']:,} actions began at once."
    if waits["max"]:
        words += (
            f" Half waited no more than {waits['p50']:.3g} s, 99 % no more than "
            f"{waits['p99']:.3g} s, the longest {waits['max']:.3g} s."
        )
    return words, plot.drawn(words_across)


def _upto(end: float | None) -> str:
    if end is None:
        return "longer"
    return "none" if end == 0 else f"≤ {end:g} s"
