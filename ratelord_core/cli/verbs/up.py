"""``ratelord up``: the daemon."""

from __future__ import annotations

from cyclopts import App

from ratelord_core.cli.flags import NO_FLAGS, DaemonFlags
from ratelord_core.cli.options import START
from ratelord_core.leaving import leaves_when_told


def register(app: App) -> None:
    """Add the verb."""
    app.command(up, group=START)


def up(*, flags: DaemonFlags = NO_FLAGS) -> int:
    """Start the daemon; Ctrl-C stops it in good order, SIGHUP reads the policy again.

    A flag beats its RATELORD_ variable, which beats the configuration file.
    """
    with leaves_when_told():
        settings = flags.settings()

        from ratelord_core.daemon import run

        return run(settings, announce=_announce)


def _announce(line: str) -> None:
    print(line, flush=True)  # whoever waits for it may read a pipe
