"""Reliability diagrams: what was said against what came, as text and as a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from ratelord_core.backtest.verdict import Verdict

_ROWS: Final = 11
_CELL: Final = 4
_SIZE: Final = 260
_EDGE: Final = 34
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; }
body { padding: 0 1rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
td, th { padding: .2rem .6rem; text-align: right; }
th { vertical-align: bottom; }
td { white-space: nowrap; }
td:first-child, th:first-child { text-align: left; }
tr + tr { border-top: 1px solid #8884; }
figure { display: inline-block; margin: .5rem 1rem 1rem 0; }
figcaption { text-align: center; }
svg { overflow: visible; }
.axis { stroke: currentColor; stroke-opacity: .5; fill: none; }
.perfect { stroke: currentColor; stroke-opacity: .4; stroke-dasharray: 4 4; }
.curve { stroke: #3273dc; fill: none; stroke-width: 2; }
.dot { fill: #3273dc; fill-opacity: .75; }
text { fill: currentColor; font-size: 11px; }
"""
COLUMNS: Final = (
    "model", "Brier", "over linear", "log loss", "cal. error", "perfect", "P50 holds", "P90 holds",
    "P99 holds", "pinball %", "µs told", "µs asked",
)  # fmt: skip


def figures(verdict: Verdict) -> list[str]:
    """A verdict's row under ``COLUMNS``."""
    score, over = verdict.score, verdict.skill_over_linear
    return [
        verdict.model,
        f"{score.brier:.4f}",
        "–" if over is None else f"{100 * over:+.0f} %",
        f"{score.log_loss:.3f}",
        f"{score.calibration_error:.3f}",
        f"{verdict.perfect_calibration_error:.3f}",
        *(_share(c) for c in (score.coverage_p50, score.coverage_p90, score.coverage_p99)),
        f"{score.pinball_percent:.2f}",
        f"{verdict.observe_us:.1f}",
        f"{verdict.forecast_us:.1f}",
    ]


def text(reliability: Sequence[tuple[int, float, float]]) -> list[str]:
    """A diagram of characters: risk said to the right, share seen upwards; a perfect forecast's
    dots lie on the diagonal (``·``), and the more forecasts, the fuller the dot."""
    most = max((number for number, _, _ in reliability), default=0) or 1
    width = _CELL * (_ROWS - 1) + 1
    grid = [[" "] * width for _ in range(_ROWS)]
    for step in range(width):
        grid[_ROWS - 1 - round(step / _CELL)][step] = "·"
    for number, said, seen in reliability:
        if number:
            mark = "●" if number > most / 4 else "◍" if number > most / 20 else "○"
            grid[_ROWS - 1 - round(seen * (_ROWS - 1))][round(said * (width - 1))] = mark
    lines = [
        f"{1 - row / (_ROWS - 1):4.1f} ┤{''.join(cells).rstrip()}" for row, cells in enumerate(grid)
    ]
    ticks = "".join(f"{part / 5:<{2 * _CELL}.1f}" for part in range(6)).rstrip()
    return [*lines, f"     └{'─' * width}", f"      {ticks}  said"]


def page(title: str, traces: Iterable[tuple[str, Sequence[Verdict]]]) -> str:
    """A page of its own with a table and the diagrams of each trace; needs nothing else."""
    parts = []
    for name, verdicts in traces:
        heads = "".join(f"<th>{escape(column)}</th>" for column in COLUMNS)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in figures(each)) + "</tr>"
            for each in verdicts
        )
        drawn = "".join(_figure(each) for each in verdicts)
        pool = verdicts[0].pool if verdicts else ""
        title_of = f"{escape(name)} · {escape(pool)}"
        table = f"<table><tr>{heads}</tr>{rows}</table>"
        parts.append(
            f'<h2>{title_of}</h2><div role="region" aria-label="{title_of}" tabindex="0">{table}'
            f"</div>{drawn}"
        )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{''.join(parts)}</html>\n"
    )


def markdown(traces: Sequence[tuple[str, Sequence[Verdict]]]) -> str:
    """Model × trace as two tables in Markdown: what the risk is worth, and which bounds held."""
    models = list(dict.fromkeys(each.model for _, verdicts in traces for each in verdicts))
    lines = [
        "| trace | " + " | ".join(models) + " | perfect |",
        "|---" * (len(models) + 2) + "|",
    ]
    held = lines.copy()
    held[0] = held[0].replace(" perfect |", " right |")
    for name, verdicts in traces:
        by_model = {each.model: each for each in verdicts}
        rows = [by_model[model] for model in models]
        risks = [f"{r.score.brier:.3f} / {r.score.calibration_error:.3f}" for r in rows]
        perfect = min(r.perfect_calibration_error for r in rows)
        lines.append(f"| {name} | " + " | ".join(risks) + f" | – / {perfect:.3f} |")
        bounds = [f"{_share(r.score.coverage_p90)}, {_share(r.score.coverage_p99)}" for r in rows]
        held.append(f"| {name} | " + " | ".join(bounds) + " | 90.0 %, 99.0 % |")
    return "\n".join(
        [
            "Brier score / expected calibration error of the risk (less is better; `perfect`: what",
            "a perfectly calibrated model would show on so many windows):",
            "",
            *lines,
            "",
            "How often the 90 % and the 99 % bound held:",
            "",
            *held,
            "",
        ]
    )


def _figure(verdict: Verdict) -> str:
    caption = f"<figcaption>{escape(verdict.model)}</figcaption>"
    return f"<figure>{svg(verdict.reliability)}{caption}</figure>"


def svg(reliability: Sequence[tuple[int, float, float]]) -> str:
    """A diagram as SVG: the area of a dot is the number of its forecasts."""
    most = max((number for number, _, _ in reliability), default=0) or 1
    dots = [
        (
            _EDGE + said * _SIZE,
            (1 - seen) * _SIZE,
            2 + 8 * (number / most) ** 0.5,
            number,
            said,
            seen,
        )
        for number, said, seen in reliability
        if number
    ]
    curve = " ".join(f"{x:.1f},{y:.1f}" for x, y, *_ in dots)
    marks = "".join(
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}">'
        f"<title>said {said:.3f}, seen {seen:.3f}, {number} forecasts</title></circle>"
        for x, y, r, number, said, seen in dots
    )
    ticks = "".join(
        f'<text x="{_EDGE + part * _SIZE}" y="{_SIZE + 16}" text-anchor="middle">{part:.1f}</text>'
        f'<text x="{_EDGE - 6}" y="{(1 - part) * _SIZE + 4}" text-anchor="end">{part:.1f}</text>'
        for part in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    )
    return (
        f'<svg role="img" aria-label="reliability: said against seen" width="{_SIZE + _EDGE + 12}" '
        f'height="{_SIZE + 38}"><rect class="axis" x="{_EDGE}" y="0" width="{_SIZE}" '
        f'height="{_SIZE}"/><line class="perfect" x1="{_EDGE}" y1="{_SIZE}" x2="{_EDGE + _SIZE}" '
        f'y2="0"/><polyline class="curve" points="{curve}"/>{marks}{ticks}<text '
        f'x="{_EDGE + _SIZE / 2}" y="{_SIZE + 32}" text-anchor="middle">risk said → share seen ↑'
        f"</text></svg>"
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
