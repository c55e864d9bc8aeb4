"""``ratelord usage``: who used what."""

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
    app.command(usage, group=LOOK)


def usage(
    *,
    pool: Annotated[str | None, Parameter(completer=known_ids.pools)] = None,
    agent: Annotated[str | None, Parameter(completer=known_ids.agents)] = None,
    identity: Annotated[str | None, Parameter(completer=known_ids.identities)] = None,
    scope: Annotated[str | None, Parameter(completer=known_ids.scopes)] = None,
    json: Json = False,
) -> int:
    """Show who used what in the present windows.

    Parameters
    ----------
    pool
        Only this pool.
    agent
        Only this agent.
    identity
        Only this identity.
    scope
        Only this scope.
    """
    with open_client() as client:
        found = client.usage(pool=pool, agent_id=agent, identity_id=identity, scope_id=scope)
    if json:
        print_json(found)
    elif not found:
        say("Nothing was used in the present windows.")
    else:
        print_table(
            ("pool", "agent", "identity", "scope", "used", "held"),
            [
                [
                    words.pool_name(row),
                    *(words.plain(row.get(f"{n}_id", "")) for n in ("agent", "identity", "scope")),
                    words.number(row.get("used")),
                    words.number(row.get("held")),
                ]
                for row in found
            ],
            right=("used", "held"),
        )
    return DONE
