"""``ratelord hook``: answers for hosts that ask before their tools run."""

from __future__ import annotations

from cyclopts import App

from ratelord_core.cli.options import ASK

app = App(
    name="hook",
    help="Ask on behalf of a coding agent that calls hooks before its tools.",
    group=ASK,
)
