"""Puts the verbs together, and runs one."""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import App

from ratelord_core.cli.program import blank, carry_out
from ratelord_core.cli.verbs.completion import completion_of
from ratelord_sim.cli import check, compare, controllers, fuzz, new, play, policy, shelf, submit

PROLOGUE = """Crowds on a stage: the real engine in virtual time, and scenarios that argue for it.

First time here? Type: ratelord-sim run s01 --report s01.html"""


def build(name: str = "ratelord-sim") -> App:
    """The whole command line, under the name by which it was called."""
    app = blank(name, PROLOGUE)
    app.command(shelf.list_, name="list")
    app.command(play.run, name="run")
    app.command(check.check, name="check")
    app.command(new.new, name="new")
    app.command(compare.compare, name="compare")
    app.command(controllers.controllers, name="controllers")
    app.command(fuzz.fuzz, name="fuzz")
    app.command(policy.policy, name="policy")
    app.command(submit.submit, name="submit")
    app.command(completion_of(app), name="completion")
    return app


def run(arguments: Sequence[str], name: str = "ratelord-sim") -> int:
    """Run one command; returns the exit code. Errors are one line on standard error."""
    return carry_out(build(name), name, arguments)
