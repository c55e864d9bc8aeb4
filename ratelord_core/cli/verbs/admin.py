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
    from ratelord_core.model.proof import Proof


def register(app: App) -> None:
    """Add the verb."""
    verb = App(name="admin", help="Work on the log.", group=ADMINISTER)
    verb.command(replay)
    verb.command(snapshot)
    verb.command(verify)
    app.command(verb)


_PATIENCE = 600.0
"""Seconds that work on a large log may take."""


def snapshot(*, json: Json = False) -> int:
    """Make the daemon keep a snapshot of its state: its next start replays what comes after it."""
    with open_client(at_least=_PATIENCE) as client:
        done = client.snapshot()
    if json:
        print_json(done)
    else:
        size = words.count(int(done["bytes"]), "byte")
        say(f"A snapshot of {size} follows event {done['seq']}.", "green")
    return DONE


def verify(*, json: Json = False) -> int:
    """Make the daemon prove its log: every link, and that it yields what the daemon says.

    Exit code 1 if anything is not as it was written. Without a daemon: admin replay --verify.
    """
    with open_client(at_least=_PATIENCE) as client:
        found = client.verify()
    kept = found["snapshot"] == "none" or found["snapshot"].startswith("same")
    good = found["intact"] and found["state"] == "same" and kept
    if json:
        print_json(found)
        return DONE if good else FAILED
    if not found["intact"]:
        say(f"The log is not what was written: {words.plain(found['fault'])}", "red")
        return FAILED
    say(
        f"{words.number(found['events'])} events are intact; the daemon's state: {found['state']}; "
        f"snapshot: {words.plain(found['snapshot'])}.",
        "green" if good else "red",
    )
    for line in found["differences"]:
        say(f"  {words.plain(line)}", "red")
    return DONE if good else FAILED


def replay(
    *,
    db: Path | None = None,
    verify: bool = False,  # the flag's name; the verb of that name is not called here
    rebuild: bool = False,
    json: Json = False,
) -> int:
    """Rebuild the state from the log alone, and compare it with the daemon, if one runs.

    Exit code 1 if they differ.

    Parameters
    ----------
    db
        The database; else RATELORD_DB_PATH, else where the daemon keeps it.
    verify
        Also check every link of the chain, and what the snapshot yields.
    rebuild
        The same, then drop the snapshot and whatever else is not the log; the next start replays
        all of it.
    """
    import msgspec

    from ratelord_core.cli.log_file import open_log
    from ratelord_core.cli.rebuilding import Rebuilder
    from ratelord_core.settings import load_settings

    path, store = open_log(db)
    try:
        rebuilder = Rebuilder(path, store, load_settings())
        proven = rebuilder.prove(drop=rebuild) if verify or rebuild else None
        if proven is not None and proven.fault:
            return _tell_fault(path, proven, json=json)
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
                **({} if proven is None else {"proof": msgspec.to_builtins(proven)}),
            }
        )
    else:
        _tell(path, rebuilt, differences, live=live)
        if proven is not None:
            _tell_proof(proven, dropped=rebuild)
    return FAILED if differences or (proven and proven.snapshot == "differs") else DONE


def _tell_fault(path: Path, proven: Proof, *, json: bool) -> int:
    import msgspec

    if json:
        print_json({"path": str(path), "proof": msgspec.to_builtins(proven)})
    else:
        say(f"{path} is not what was written: {words.plain(proven.fault)}", "red")
    return FAILED


def _tell_proof(proven: Proof, *, dropped: bool) -> None:
    colour = "red" if proven.snapshot == "differs" else "green"
    at = f" (after event {proven.snapshot_seq})" if proven.snapshot_seq else ""
    say(f"Every link is intact, up to {proven.chain[:16]}…", "green")
    say(f"The snapshot{at} and what follows: {words.plain(proven.snapshot)}.", colour)
    if dropped:
        say("The snapshot is dropped; the next start replays the whole log.")


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
