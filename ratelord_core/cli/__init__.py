"""The command line: one verb a file under ``verbs``, each registers itself."""

from __future__ import annotations

import sys

__all__ = ["daemon_main", "main"]


def main() -> None:
    """The console script ``ratelord``."""
    sys.exit(_ran(sys.argv[1:]))


def daemon_main() -> None:
    """The console script ``ratelord-d``: ``ratelord up``."""
    sys.exit(_ran(sys.argv[1:], daemon=True))


def _ran(words: list[str], *, daemon: bool = False) -> int:
    """The exit code; who is interrupted while the command line loads says no more than later."""
    from ratelord_core.cli.outcome import INTERRUPTED

    try:
        from ratelord_core.cli.app import run, run_daemon
    except KeyboardInterrupt:
        return INTERRUPTED
    return run_daemon(words) if daemon else run(words)
