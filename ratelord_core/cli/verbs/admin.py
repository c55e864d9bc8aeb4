"""``ratelord admin``: work on the log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from ratelord_core.cli import words
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import ADMINISTER, Json
from ratelord_core.cli.outcome import DONE, FAILED
from ratelord_core.cli.screen import print_json, say

if TYPE_CHECKING:
    from ratelord_core.cli.rebuilding import Difference
    from ratelord_core.daemon.rebuilt import Rebuilt


def register(app: App) -> None:
    """Add the verb."""
    verb = App(name="admin", help="Work on the log.", group=ADMINISTER)
    verb.command(replay)
    app.command(verb)


def replay(*, db: Path | None = None, json: Json = False) -> int:
    """Rebuild the state from the log alone, and compare it with the daemon, if one runs.

    Exit code 1 if they differ.

    Parameters
    ----------
    db
        The database; else RATELORD_DB_PATH, else where the daemon keeps it.
    """
    import msgspec

    from ratelord_core.cli.log_file import open_log
    from ratelord_core.cli.rebuilding import Rebuilder
    from ratelord_core.settings import load_settings

    path, store = open_log(db)
    try:
        rebuilder = Rebuilder(store, load_settings())
        with open_client() as client:
            live = client.ping()
            rebuilt, differences = rebuilder.compare(client) if live else (rebuilder.rebuild(), [])
    finally:
        store.close()
    if json:
        print_json(
            {
                "path": str(path),
                "events": rebuilt.events,
                "compared": live,
                "differences": [difference._asdict() for difference in differences],
                "pools": msgspec.to_builtins(rebuilt.pools),
            }
        )
    else:
        _tell(path, rebuilt, differences, live=live)
    return FAILED if differences else DONE


def _tell(path: Path, rebuilt: Rebuilt, differences: list[Difference], *, live: bool) -> None:
    found = ", ".join(
        (
            words.count(len(rebuilt.pools), "pool"),
            words.count(len(rebuilt.identities), "identity", "identities"),
        )
    )
    head = f"{path}: {words.number(rebuilt.events)} events yield {found}"
    if not live:
        say(f"{head}; no daemon runs to compare with.")
    elif not differences:
        say(f"{head}; the daemon says the same.", "green")
    else:
        say(f"{head}; the daemon says otherwise. Is this its log?", "red")
        for each in differences:
            say(f"  {each.pool} {each.field}: replayed {each.replayed}, live {each.live}", "red")
