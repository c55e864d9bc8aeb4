"""``ratelord doctor``: what is wrong here, and what to do about it."""

from __future__ import annotations

from cyclopts import App

from ratelord_core.cli import words
from ratelord_core.cli.checks import MARKS, Check, run_checks
from ratelord_core.cli.flags import NO_FLAGS, DaemonFlags
from ratelord_core.cli.options import START, Json
from ratelord_core.cli.outcome import DONE, FAILED
from ratelord_core.cli.screen import print_json, say

_STYLES = {"ok": "green", "warning": "yellow", "failed": "red"}


def register(app: App) -> None:
    """Add the verb."""
    app.command(doctor, group=START)


def doctor(*, flags: DaemonFlags = NO_FLAGS, json: Json = False) -> int:
    """Check everything a daemon needs here. Exit code 1 if something would keep it from starting.

    Flags count as they would for ratelord up.
    """
    done = []
    for check in run_checks(flags.settings()):
        done.append(check)
        if not json:
            _show(check)
    failed = any(check.state == "failed" for check in done)
    if json:
        print_json({"ok": not failed, "checks": [check._asdict() for check in done]})
    return FAILED if failed else DONE


def _show(check: Check) -> None:
    step = f" — {words.plain(check.next_step)}" if check.next_step else ""
    line = f"{MARKS[check.state]} {check.name:<8} {words.plain(check.detail)}{step}"
    say(line, _STYLES[check.state])
