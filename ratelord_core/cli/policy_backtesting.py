"""``ratelord policy backtest``: a candidate policy, tried on the daemon's own past."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ratelord_core.cli import words
from ratelord_core.cli.options import Json
from ratelord_core.cli.outcome import DONE, USAGE, CommandFailed
from ratelord_core.cli.screen import print_json, print_table, say

if TYPE_CHECKING:
    from ratelord_core.model.instant import Micros


def backtest(
    *,
    policy: Path,
    since: Annotated[str | None, Parameter(name="--from")] = None,
    until: Annotated[str | None, Parameter(name="--to")] = None,
    db: Path | None = None,
    examples: int = 20,
    seed: int = 0,
    html: Path | None = None,
    json: Json = False,
) -> int:
    """Replay what was asked in the past against another policy, and show what would have changed.

    Works on the log, beside a running daemon or without one, and changes nothing: the engine
    decides every question anew, in virtual time. Agents do not learn from the other answers: they
    ask what they asked.

    Parameters
    ----------
    policy
        The candidate: a whole policy file.
    since
        Only questions from this time on (RFC 3339), or since so long ago (7d).
    until
        Only questions before this time (RFC 3339), or so long ago.
    db
        The log; else the one that the daemon would use.
    examples
        How many questions of each kind of change are listed.
    seed
        For the chance in jitter and weights.
    html
        Write a page with tables and plots there.
    """
    if examples < 0:
        raise CommandFailed(f"--examples {examples} must be 0 or more", USAGE)
    found = _replayed(policy, (_instant(since), _instant(until)), db, examples, seed)
    if html is not None:
        from ratelord_core.hindsight.page import page

        html.write_text(page(found), encoding="utf-8")
    if json:
        print_json(found)
    else:
        _tell(found, examples)
    return DONE


def _replayed(
    policy: Path, span: tuple[Micros | None, Micros | None], db: Path | None, most: int, seed: int
) -> dict[str, Any]:
    from ratelord_core import parts
    from ratelord_core.cli.log_file import open_log, snapshots_of
    from ratelord_core.hindsight.backtest import Terms, backtest
    from ratelord_core.settings import load_settings

    settings = load_settings()
    offered = parts.load(settings.without)
    stack = offered.policy(policy.read_bytes(), str(policy))
    terms = Terms(*span, most, seed, settings.graph)
    path, store = open_log(db)
    try:
        return backtest(store, stack, offered, terms, _progress, snapshots_of(path))
    finally:
        store.close()
        _progress(None)


def _progress(part: float | None) -> None:
    if sys.stderr.isatty():
        told = "" if part is None else f"replaying … {100 * part:.0f} %"
        print(f"\r\x1b[2K{told}", end="", file=sys.stderr, flush=True)


def _instant(said: str | None) -> Micros | None:
    """An instant, or the one so long ago."""
    from ratelord_core.clock import SystemClock
    from ratelord_core.model.instant import from_text
    from ratelord_core.model.span import parse_span

    if said is None:
        return None
    try:
        return from_text(said)
    except ValueError:
        pass  # then it is a length of time
    try:
        return SystemClock().now() - parse_span(said)
    except ValueError as error:
        message = f"{said!r} is neither a time (2026-01-31T12:00:00Z) nor a length of time (7d)"
        raise CommandFailed(message, USAGE) from error


def _tell(found: dict[str, Any], examples: int) -> None:
    from ratelord_core.hindsight.answer import CHANGES
    from ratelord_core.hindsight.words import HEADINGS, MEANING, lead, sides

    say(lead(found), "bold")
    for note in found["notes"]:
        say(note, "yellow")
    for kind in CHANGES:
        if found["changes"].get(kind):
            say(f"  {found['changes'][kind]:>7,} {MEANING[kind]}")
    say("")
    print_table(("", "as it was", "candidate"), sides(found), right=("as it was", "candidate"))
    _tell_pools(found["pools"])
    _tell_rules(found["rules"])
    for name, heading in HEADINGS.items():
        _tell_who(heading.lower(), found["by"][name])
    if examples:
        _tell_examples(found["examples"])


def _tell_pools(pools: list[dict[str, Any]]) -> None:
    rows = [
        (
            words.plain(pool["pool"]),
            words.number(pool["used_before"]),
            words.number(pool["used_after"]),
            str(pool["exhaustions_before"]),
            str(pool["exhaustions_after"]),
            str(len(pool["avoided"])),
            str(len(pool["caused"])),
        )
        for pool in pools
    ]
    columns = ("pool", "used", "candidate", "ran dry", "candidate ", "avoided", "caused")
    _table(columns, rows)


def _tell_rules(rules: list[dict[str, Any]]) -> None:
    rows = [(words.plain(one["rule"]), str(one["before"]), str(one["after"])) for one in rules]
    _table(("rule that decided", "as it was", "candidate"), rows)


def _tell_who(heading: str, rows: list[dict[str, Any]]) -> None:
    from ratelord_core.hindsight.answer import CHANGES

    told = [
        (
            words.plain(row["id"]),
            str(row["asked"]),
            str(row["changed"]),
            *(str(row[kind] or "") for kind in CHANGES),
        )
        for row in rows[:10]
    ]
    _table((heading, "asked", "changed", *CHANGES), told)


def _tell_examples(examples: list[dict[str, Any]]) -> None:
    from ratelord_core.hindsight.words import answered

    rows = [
        (
            words.plain(one["at"][:19].replace("T", " ")),
            words.plain(f"{one['agent_id']}: {one['workload_id']} in {one['scope_id']}"),
            words.plain(answered(one["before"])),
            words.plain(answered(one["after"])),
        )
        for one in examples
    ]
    _table(("when (UTC)", "who and what", "as it was", "candidate"), rows, right=False)


def _table(
    columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, right: bool = True
) -> None:
    if rows:
        say("")
        print_table(columns, rows, right=columns[1:] if right else ())
