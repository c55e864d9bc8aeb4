"""``ratelord pools``: what is left of every limit."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from ratelord_core.cli import known_ids, words
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import LOOK, Json
from ratelord_core.cli.outcome import DONE
from ratelord_core.cli.screen import hint, print_json, print_table, say


def register(app: App) -> None:
    """Add the verb."""
    app.command(pools, group=LOOK)


def pools(
    key: Annotated[str | None, Parameter(completer=known_ids.pools)] = None,
    /,
    *,
    json: Json = False,
) -> int:
    """Show every pool, or one: what is used, held and left.

    Parameters
    ----------
    key
        One pool, as PROVIDER/POOL.
    """
    with open_client() as client:
        if key is not None:
            pool = client.pool(key)
            print_json(pool) if json else _show_one(pool)
            return DONE
        found = client.pools()
    if json:
        print_json(found)
    elif found:
        _show_all(found)
    else:
        say("No pools yet: nothing is limited.")
        hint("declare providers or pools in policy.yaml, then: ratelord reload")
    return DONE


def _show_all(pools: list[dict[str, Any]]) -> None:
    print_table(
        ("pool", "left", "used", "held", "limit", "window", "resets in", "risk"),
        [
            [
                words.pool_name(pool),
                words.number(pool.get("available")),
                words.number(pool.get("used")),
                words.number(pool.get("held")),
                f"{words.number(pool.get('limit'))} {words.plain(pool.get('unit', ''))}",
                window_words(pool.get("window") or {}),
                words.until(pool.get("reset_at")),
                "stale" if pool.get("stale") else words.plain(pool.get("risk_level", "unknown")),
            ]
            for pool in pools
        ],
        right=("left", "used", "held", "limit"),
    )


def _show_one(pool: dict[str, Any]) -> None:
    unit = words.plain(pool.get("unit", ""))
    limit = pool.get("limit")
    of = f" of {words.number(limit)}" if limit is not None else ""
    say(f"{words.pool_name(pool)}: {words.number(pool.get('available'))}{of} {unit} available.")
    rows = [
        ("used", words.number(pool.get("used"))),
        ("held", words.number(pool.get("held"))),
        ("promised later", words.number(pool.get("scheduled"))),
        ("window", window_words(pool.get("window") or {})),
        ("resets in", words.until(pool.get("reset_at"))),
        ("observed", words.since(pool.get("observed_at")) if pool.get("observed_at") else "–"),
        ("risk", words.plain(pool.get("risk_level", "unknown"))),
        ("members", words.plain(", ".join(pool.get("members") or ()) or "everybody")),
    ]
    forecast = pool.get("forecast")
    if isinstance(forecast, dict):
        p90 = forecast.get("tte_p90_seconds")
        rows.append(("forecasts so far", words.track_record(forecast.get("score"))))
        rows.append(("lasts at least", words.span(p90) if p90 is not None else "beyond the reset"))
    for kind, shares in sorted((pool.get("shares") or {}).items()):
        top = ", ".join(f"{s['id']} {words.number(s['used'] + s['held'])}" for s in shares[:5])
        rows.append((f"by {words.plain(kind)}", words.plain(top) or "–"))
    print_table(("", ""), rows)


def window_words(window: dict[str, Any]) -> str:
    """A window in a few words: ``fixed 1 min``, ``calendar day``, ``concurrency``."""
    kind = words.plain(window.get("kind", window.get("type", "")))
    every = window.get("every_seconds", window.get("every"))
    if isinstance(every, int | float):
        return f"{kind} {words.span(every)}"
    unit = every or window.get("unit")
    return f"{kind} {words.plain(unit)}" if unit else kind
