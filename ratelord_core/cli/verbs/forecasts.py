"""``ratelord forecasts``: how long every pool will last."""

from __future__ import annotations

from typing import Annotated, Any, Literal

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
    agent: Annotated[str | None, Parameter(completer=known_ids.agents)] = None,
    identity: Annotated[str | None, Parameter(completer=known_ids.identities)] = None,
    scope: Annotated[str | None, Parameter(completer=known_ids.scopes)] = None,
    by: Literal["agent", "identity", "scope"] | None = None,
    json: Json = False,
) -> int:
    """Show how long every pool, or one, will last: for all, or for somebody's share of it.

    Parameters
    ----------
    pool
        One pool, as PROVIDER/POOL.
    agent
        What is left to this agent, and how fast it burns it.
    identity
        What is left to this identity.
    scope
        What is left to this scope.
    by
        The ten largest shares of the pool.
    """
    share = {"agent_id": agent, "identity_id": identity, "scope_id": scope, "by": by}
    with open_client() as client:
        found = client.forecasts(pool, **share)
    if json:
        print_json(found)
    elif not found:
        none = "there are no pools" if not any(share.values()) else "nobody of that name was seen"
        say(f"No forecasts: {none}.")
    elif any(share.values()):
        found.sort(key=lambda row: -_of_share(row, "burn_share"))
        columns = ("pool", "share", "left", *_COLUMNS, "of the burn", "p(alone)")
        rows = [[words.pool_name(row), *_shared(row)] for row in found]
        print_table(columns, rows, right=(*_RIGHT, "left", "of the burn", "p(alone)"))
    else:
        rows = [
            [words.pool_name(row), *_plain(row), words.track_record(row.get("score"))]
            for row in found
        ]
        print_table(("pool", *_COLUMNS, "track record"), rows, right=_RIGHT)
    return DONE


_COLUMNS = ("p(exhaustion)", "p50", "p90", "p99", "resets in", "burn a second", "risk")
_RIGHT = ("p(exhaustion)", "burn a second")


def _plain(row: dict[str, Any]) -> list[str]:
    return [
        f"{row.get('p_exhaustion') or 0:.3f}",
        *(_left(row.get(f"tte_{p}_seconds")) for p in ("p50", "p90", "p99")),
        words.span(row.get("ttr_seconds")),
        f"{row.get('burn_rate') or 0:.3g}",
        words.plain(row.get("risk_level", "unknown")),
    ]


def _shared(row: dict[str, Any]) -> list[str]:
    share = row.get("share") or {}
    names = (share.get(f"{part}_id") for part in ("agent", "identity", "scope"))
    alone = share.get("p_alone")
    return [
        words.plain(" · ".join(name for name in names if name)),
        words.number(share.get("available")),
        *_plain(row),
        f"{_of_share(row, 'burn_share'):.0%}",
        "unknown" if alone is None else f"{alone:.3f}",
    ]


def _of_share(row: dict[str, Any], name: str) -> float:
    return float((row.get("share") or {}).get(name) or 0.0)


def _left(seconds: float | None) -> str:
    return "past reset" if seconds is None else words.span(seconds)
