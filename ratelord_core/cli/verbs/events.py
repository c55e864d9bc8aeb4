"""``ratelord events``: what happened, and proof that nothing was touched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from ratelord_core.cli import words
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import LOOK, Json
from ratelord_core.cli.outcome import DONE, FAILED, USAGE, CommandFailed
from ratelord_core.cli.screen import (
    LEVEL_STYLES,
    console,
    print_json,
    print_json_line,
    say,
)
from ratelord_core.cli.which_events import ALL, WhichEvents, check_types

if TYPE_CHECKING:
    from ratelord.readers import EventFilters


_FOR_MACHINES = ("body", "key", "state", "document", "dated", "next_poll", "looked")
"""Fields that say nothing to people."""


def register(app: App) -> None:
    """Add the verb."""
    verb = App(name="events", help="Show what happened, follow it, or verify the log.", group=LOOK)
    verb.default(events)
    verb.command(verify)
    app.command(verb)


def events(
    *,
    follow: Annotated[bool, Parameter(name=("--follow", "-f"), negative=())] = False,
    limit: Annotated[int, Parameter(name=("--limit", "-n"))] = 20,
    which: WhichEvents = ALL,
    json: Json = False,
) -> int:
    """Show the newest events, oldest of them first.

    Parameters
    ----------
    follow
        Go on showing events as they happen; Ctrl-C ends it.
    limit
        How many.
    """
    if follow and which.bounded:
        raise CommandFailed("--follow goes on for ever; leave out --before, --from and --to", USAGE)
    check_types(which.type)
    with open_client() as client:
        page = client.events(**which.page(limit))
        page.sort(key=lambda event: event["seq"])
        if json and not follow:
            print_json(page)
            return DONE
        for event in page:
            _print(event, json=json)
        if follow:
            newest = page[-1]["seq"] if page else which.after or client.health()["seq"]
            onward: EventFilters = {**which.about(), "after": newest}
            for event in client.stream(**onward):
                _print(event, json=json)
    return DONE


def verify(*, db: Path | None = None, json: Json = False) -> int:
    """Prove, from the database file alone, that the log is what was written.

    Works beside a running daemon and without one. Exit code 1 if it is not.

    Parameters
    ----------
    db
        The database; else RATELORD_DB_PATH, else where the daemon keeps it.
    """
    import msgspec

    from ratelord_core.cli.log_file import open_log
    from ratelord_core.events.verify import verify as prove
    from ratelord_core.store import EventQuery

    path, store = open_log(db)
    try:
        proof = prove(store.read(EventQuery()))
    finally:
        store.close()
    if json:
        newest = {"seq": proof.newest.seq, "chain": proof.newest.chain.hex()}
        fault = msgspec.to_builtins(proof.fault)
        print_json(
            {
                "path": str(path),
                "intact": proof.intact,
                "count": proof.count,
                "redacted": proof.redacted,
                "newest": newest,
                "fault": fault,
            }
        )
    elif proof.fault is not None:
        say(
            f"{path}: event {proof.fault.seq} is not what was written ({proof.fault.kind}: "
            f"{words.plain(proof.fault.detail)}); the {words.number(proof.count)} before it are. "
            "Restore the file from a backup.",
            "red",
        )
    else:
        erased = f", {words.number(proof.redacted)} with erased parts" if proof.redacted else ""
        say(
            f"{path}: all {words.number(proof.count)} events are as written{erased}; "
            f"the chain ends in {proof.newest.chain.hex()}.",
            "green",
        )
    return DONE if proof.intact else FAILED


def _print(event: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json_line(event)
        return
    from rich.text import Text

    kind = words.plain(event.get("event_type", "?"))
    detail = _detail(event.get("payload") or {})
    line = Text()
    line.append(f"{event.get('seq', 0):>7} ", "dim")
    line.append(f"{words.time_of_day(event.get('ts_ingest'))} ", "dim")
    line.append(f"{kind:<24} ", _style(kind, event.get("payload") or {}))
    line.append(_who(event.get("dimensions") or {}))
    line.append(detail, "dim")
    console().print(line)


def _who(dimensions: dict[str, str]) -> str:
    named = (dimensions.get(f"{name}_id", "") for name in ("agent", "workload", "scope"))
    known = [words.plain(name) for name in named if name and not name.startswith("sentinel:")]
    return " ".join(known) + ("  " if known else "")


def _detail(payload: dict[str, Any]) -> str:
    said: dict[str, Any] = {**payload}
    if isinstance(said.get("expired"), list):
        said["holds"] = len(said.pop("expired"))
    if isinstance(said.get("identity"), dict):
        said["identity_id"] = said.pop("identity").get("identity_id", "")
    for name in ("added", "removed", "changed", "errors"):
        if isinstance(said.get(name), list):  # of a policy
            said[name] = ", ".join(map(str, said[name]))
    shown = {
        name: value
        for name, value in said.items()
        if isinstance(value, str | int | float | bool) and value != "" and name not in _FOR_MACHINES
    }
    text = " ".join(f"{name}={words.plain(value)}" for name, value in shown.items())
    return text if len(text) <= 160 else text[:159] + "…"


def _style(kind: str, payload: dict[str, Any]) -> str:
    if kind == "intent_decided":
        decision = payload.get("decision", "approve")
        return {"approve": "green", "deny_with_reason": "red"}.get(decision, "yellow")
    if kind.endswith(("_error", "_rejected", "_detected")):
        return LEVEL_STYLES["warn"]
    return "cyan"
