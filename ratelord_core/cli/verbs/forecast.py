"""``ratelord forecast``: how good the forecasts are, on a trace or in the daemon's own past."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ratelord_core.cli.options import LOOK, Json
from ratelord_core.cli.outcome import DONE
from ratelord_core.cli.screen import print_json, print_table, say


def register(app: App) -> None:
    """Add the verb."""
    verb = App(
        name="forecast", help="Score forecast models: on a trace, or on the log.", group=LOOK
    )
    verb.command(backtest)
    verb.command(score)
    app.command(verb)


def backtest(
    *,
    trace: Annotated[list[Path], Parameter(negative=())],
    window: float | None = None,
    capacity: str = "auto",
    column: str = "units",
    share: float = 0.4,
    model: Annotated[list[str] | None, Parameter(negative=())] = None,
    blind: Annotated[bool, Parameter(negative=())] = False,
    poll: float | None = None,
    origins: int = 2400,
    seed: int = 0,
    report: Path | None = None,
    table: Path | None = None,
    json: Json = False,
) -> int:
    """Score forecast models on recorded demand, at rolling origins that see the past only.

    Needs no daemon. The first 30 % of the windows only teach. Forecasts are cut off at the reset,
    and scored so that this favours none. "over linear" is the gain in Brier score over that model.

    Parameters
    ----------
    trace
        A CSV file (.gz too): seconds_since_start, then amounts. May be repeated.
    window
        The pool's window in seconds; else NAME.json beside the trace lists pools, else 3600.
    capacity
        Units in a window; auto: such that --share of the windows with any demand are exhausted.
    column
        Which amounts are drawn.
    share
        The share of the windows to be exhausted under an automatic capacity.
    model
        A model's id; may be repeated. Else the default one and the one it is held against.
    blind
        Hide usage past exhaustion, as if it had been refused.
    poll
        Usage becomes visible only every so many seconds.
    origins
        About how many forecasts to score for each pool.
    seed
        Chooses the instants.
    report
        Write a page with tables and reliability diagrams there.
    table
        Write model × trace as Markdown tables there.
    """
    from ratelord_core.backtest import read_trace
    from ratelord_core.cli import scoring

    models = scoring.models(model)
    pool = scoring.pool(window, capacity, column, share)
    terms = scoring.terms(origins, seed, blind, poll)
    scoring.places(report, table)
    traces = scoring.told_apart({path: read_trace(path) for path in trace})
    found = [(name, scoring.compare(models, read, pool, terms)) for name, read in traces.items()]
    if report is not None:
        scoring.write_page(report, found)
    if table is not None:
        scoring.write_table(table, found)
    if json:
        print_json({name: [scoring.plain(each) for each in verdicts] for name, verdicts in found})
        return DONE
    for name, verdicts in found:
        scoring.show(name, verdicts)
    return DONE


def score(
    *,
    db: Path | None = None,
    model: Annotated[list[str] | None, Parameter(negative=())] = None,
    json: Json = False,
) -> int:
    """Score forecasts on the daemon's own log: what each model would have said, and what came.

    Works beside a running daemon. A forecast settles when its window ends; in one that never ends,
    when a window's length has passed or the pool ran dry.

    Parameters
    ----------
    db
        The log; else the one that the daemon would use.
    model
        A model's id; may be repeated. Else the default one and the one it is held against.
    """
    from ratelord_core.cli import scoring
    from ratelord_core.cli.log_file import open_log

    models = scoring.models(model)
    _, store = open_log(db)
    try:
        found = scoring.replayed(store, models)
    finally:
        store.close()
    if json:
        print_json(found)
    elif not found:
        say("No forecast has settled yet: that takes the end of a window in which units were used.")
    else:
        print_table(scoring.RECORD_COLUMNS, [scoring.record_row(row) for row in found])
    return DONE
