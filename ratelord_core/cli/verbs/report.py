"""``ratelord report``: what an action really cost."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from ratelord_core.cli import known_ids
from ratelord_core.cli.amounts import read_costs
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import ASK, Json
from ratelord_core.cli.outcome import DONE
from ratelord_core.cli.screen import print_json, say
from ratelord_core.cli.sentences import settlement_sentence


def register(app: App) -> None:
    """Add the verb."""
    app.command(report, group=ASK)


def report(
    intent_id: Annotated[str, Parameter(completer=known_ids.intents)],
    /,
    *,
    cost: float | None = None,
    costs: Annotated[tuple[str, ...], Parameter(completer=known_ids.pools, negative=())] = (),
    outcome: Literal["success", "error", "rate_limited", "cancelled"] = "success",
    json: Json = False,
) -> int:
    """Settle an intent: say what the action really cost.

    Parameters
    ----------
    intent_id
        The intent, as ask printed it.
    cost
        What it cost; nothing said means what was held.
    costs
        What it took of one pool, as PROVIDER/POOL=UNITS; may be repeated.
    outcome
        success, error, rate_limited (all count), or cancelled (frees what was held).
    """
    import msgspec

    with open_client() as client:
        settlement = client.report(
            intent_id, outcome=outcome, actual_cost=cost, costs=read_costs(costs)
        )
    if json:
        print_json(msgspec.to_builtins(settlement))
    else:
        say(settlement_sentence(settlement))
    return DONE
