"""``ratelord forecasts``: how long every pool will last."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from ratelord_core.cli import known_ids, words
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import LOOK, Json
from ratelord_core.cli.outcome import DONE
from ratelord_core.cli.screen import print_json, print_table, say


def register(app: App) -> None:
    """Add the verb."""
    app.command(forecasts, group=LOOK)


def forecasts(
    pool: Annotated[str | None, Parameter(completer=known_ids.pools)] = None,
    /,
    *,
    json: Json = False,
) -> int:
    """Show how long every pool, or one, will last.

    Parameters
    ----------
    pool
        One pool, as PROVIDER/POOL.
    """
    with open_client() as client:
        found = client.forecasts(pool)
    if json:
        print_json(found)
    elif not found:
        say("No forecasts: there are no pools.")
    else:
        print_table(
            (
                "pool",
                "p(exhaustion)",
                "p50",
                "p90",
                "p99",
                "resets in",
                "burn a second",
                "risk",
                "track record",
            ),
            [
                [
                    words.pool_name(row),
                    f"{row.get('p_exhaustion') or 0:.3f}",
                    *(_left(row.get(f"tte_{p}_seconds")) for p in ("p50", "p90", "p99")),
                    words.span(row.get("ttr_seconds")),
                    f"{row.get('burn_rate') or 0:.3g}",
                    words.plain(row.get("risk_level", "unknown")),
                    words.track_record(row.get("score")),
                ]
                for row in found
            ],
            right=("p(exhaustion)", "burn a second"),
        )
    return DONE


def _left(seconds: float | None) -> str:
    return "past reset" if seconds is None else words.span(seconds)
