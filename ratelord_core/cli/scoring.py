"""What the verbs that score forecasts share: models, pools, progress, tables."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ratelord_core.backtest import ALL, Comparison, PoolSpec, Trace, Verdict, diagram
from ratelord_core.cli.outcome import USAGE, CommandFailed
from ratelord_core.cli.screen import print_table, say

if TYPE_CHECKING:
    from ratelord_core.forecast import ForecastModelFactory
    from ratelord_core.store import EventStore

REFERENCE: Final = "linear"
"""The model that others' skill is reckoned against."""
RECORD_COLUMNS: Final = (
    "pool", "model", "forecasts", "windows", "exhausted", "Brier", "skill", "over linear",
    "cal. error", "P50 holds", "P90 holds", "P99 holds",
)  # fmt: skip


class Terms(NamedTuple):
    """How a backtest is run: see the options of ``ratelord forecast backtest``."""

    origins: int
    seed: int
    blind: bool
    poll: float | None


def models(names: Sequence[str] | None) -> dict[str, ForecastModelFactory]:
    """The models of these ids; else the default one, and the one it is held against."""
    from ratelord_core import plugins
    from ratelord_core.model.config import Settings

    known = plugins.load().named("ratelord_register_forecast_models", "model_id")
    wanted = names or [name for name in (REFERENCE, Settings().forecast_model) if name in known]
    for name in wanted:
        if name not in known:
            raise CommandFailed(
                f"no forecast model is called {name!r}; installed are {', '.join(sorted(known))}",
                USAGE,
            )
    return {name: known[name] for name in dict.fromkeys(wanted)}


def pool(window: float | None, capacity: str, column: str, share: float) -> PoolSpec | None:
    """The pool that the options describe; None if it is for the trace to say."""
    if window is not None and not 0.0 < window < float("inf"):
        raise CommandFailed(f"--window {window:g} must be more than 0 seconds", USAGE)
    if not 0.0 < share < 1.0:
        raise CommandFailed(f"--share {share:g} must lie between 0 and 1", USAGE)
    try:
        units = None if capacity == "auto" else float(capacity)
    except ValueError:
        units = -1.0
    if units is not None and not 0.0 < units < float("inf"):
        raise CommandFailed(f"--capacity {capacity} must be auto or a number more than 0", USAGE)
    if window is None and units is None and column == "units":
        return None
    return PoolSpec(window or 3600.0, column, share, 1, units)


def terms(origins: int, seed: int, blind: bool, poll: float | None) -> Terms:
    """How the options say that models are to be asked."""
    if origins < 1:
        raise CommandFailed(f"--origins {origins} must be 1 or more", USAGE)
    if poll is not None and not 0.0 < poll < float("inf"):
        raise CommandFailed(f"--poll {poll:g} must be more than 0 seconds", USAGE)
    return Terms(origins, seed, blind, poll)


def told_apart(traces: dict[Path, Trace]) -> dict[str, Trace]:
    """Traces by name; those that share one are called by their paths."""
    names = [read.name for read in traces.values()]
    return {
        str(path) if names.count(read.name) > 1 else read.name: read
        for path, read in traces.items()
    }


def places(*files: Path | None) -> None:
    """What is to be written in the end must have a folder: said before the work."""
    for file in files:
        if file is not None and not file.parent.is_dir():
            raise CommandFailed(f"{file}: there is no folder {file.parent}; make it first", USAGE)


def compare(
    factories: dict[str, ForecastModelFactory], trace: Trace, pool: PoolSpec | None, terms: Terms
) -> list[Verdict]:
    """Every model's verdict on each pool of a trace, and on all of them."""
    comparison = Comparison(
        _with_reference(factories),
        REFERENCE,
        time.perf_counter_ns,
        wanted=terms.origins,
        seed=terms.seed,
        blind=terms.blind,
        poll=terms.poll,
        progress=_progress,
    )
    pools = (pool,) if pool else trace.pools or (PoolSpec(3600.0),)
    found = comparison.on(trace, pools)
    _progress("")
    several = len(pools) > 1
    return [each for each in found if each.model in factories and (several or each.pool != ALL)]


def show(name: str, verdicts: Sequence[Verdict]) -> None:
    """A table for each pool, and the reliability diagram of the last one's models."""
    for label in dict.fromkeys(each.pool for each in verdicts):
        chosen = [each for each in verdicts if each.pool == label]
        score = chosen[0].score
        say(
            f"{name} · {label}: {score.forecasts} forecasts in {score.windows} windows, "
            f"{100 * score.base_rate:.0f} % exhausted, capacity {_sizes(chosen[0].capacities)}"
        )
        print_table(diagram.COLUMNS, [diagram.figures(each) for each in chosen])
    for each in _last(verdicts):
        say(f"\n{each.model}: risk said against share seen")
        for line in diagram.text(each.reliability):
            say(line)


def write_page(path: Path, found: Sequence[tuple[str, Sequence[Verdict]]]) -> None:
    """Tables and diagrams as one page of HTML."""
    page = diagram.page("Forecast backtest", [(name, _last(each)) for name, each in found])
    path.write_text(page, encoding="utf-8")


def write_table(path: Path, found: Sequence[tuple[str, Sequence[Verdict]]]) -> None:
    """Model × trace as Markdown."""
    text = diagram.markdown([(name, _last(each)) for name, each in found])
    path.write_text(text, encoding="utf-8")


def plain(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON values."""
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(verdict)
    return {**{k: v for k, v in found.items() if k != "score"}, **found["score"]}


def replayed(store: EventStore, factories: dict[str, ForecastModelFactory]) -> list[dict[str, Any]]:
    """What each model would have said along a log and how it fared, pool by pool; last, all pools.
    ``skill`` is against always saying the share of windows that were exhausted, and
    ``skill_over_linear`` against that model (None: it told nothing apart)."""
    import msgspec

    from ratelord_core import plugins
    from ratelord_core.daemon.rebuilt import scored
    from ratelord_core.forecast import TrackRecord
    from ratelord_core.replay import Blank
    from ratelord_core.settings import load_settings

    graphs = plugins.load().named("ratelord_register_graphs")
    graph = graphs[load_settings().graph]
    rows: list[dict[str, Any]] = []
    linear: dict[str, float] = {}
    for name, factory in _with_reference(factories).items():
        _progress(f"replaying with {name}")
        records = scored(store, Blank(graph, factory))
        together = TrackRecord()
        for record in records.values():
            together.add(record)
        for key, record in [*sorted(records.items()), (ALL, together)]:
            score = record.score()
            if score is None:
                continue
            if name == REFERENCE:
                linear[key] = score.brier
            rows.append(
                {
                    "pool": key,
                    "model": name,
                    **msgspec.to_builtins(score),
                    "skill_over_linear": 1.0 - score.brier / linear[key]
                    if linear.get(key)
                    else None,
                    "reliability": [list(each) for each in record.bins()],
                }
            )
    _progress("")
    order = list(factories)
    asked = [row for row in rows if row["model"] in factories]
    return sorted(asked, key=lambda row: order.index(row["model"]))


def _with_reference(
    factories: dict[str, ForecastModelFactory],
) -> dict[str, ForecastModelFactory]:
    """The models after the one that they are held against, if that is installed."""
    from ratelord_core import plugins

    known = plugins.load().named("ratelord_register_forecast_models", "model_id")
    return {REFERENCE: known[REFERENCE], **factories} if REFERENCE in known else factories


def record_row(row: dict[str, Any]) -> list[str]:
    """A row under ``RECORD_COLUMNS``."""
    return [
        row["pool"],
        row["model"],
        str(row["forecasts"]),
        str(row["windows"]),
        _percent(row["base_rate"]),
        f"{row['brier']:.4f}",
        _percent(row["skill"]),
        _percent(row["skill_over_linear"]),
        f"{row['calibration_error']:.3f}",
        *(_percent(row[f"coverage_{level}"]) for level in ("p50", "p90", "p99")),
    ]


def _sizes(capacities: Sequence[float]) -> str:
    least, most = min(capacities), max(capacities)
    return f"{least:.10g}" if least == most else f"{least:.10g} to {most:.10g}"


def _last(verdicts: Sequence[Verdict]) -> list[Verdict]:
    label = verdicts[-1].pool if verdicts else ""
    return [each for each in verdicts if each.pool == label]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{what}", end="", file=sys.stderr, flush=True)
