"""The command line: one verb a file under ``verbs``, each registers itself."""

from __future__ import annotations

import sys

__all__ = ["daemon_main", "main"]


def main() -> None:
    """The console script ``ratelord``."""
    from ratelord_core.cli.app import run

    sys.exit(run(sys.argv[1:]))


def daemon_main() -> None:
    """The console script ``ratelord-d``: ``ratelord up``."""
    from ratelord_core.cli.app import run

    sys.exit(run(["up", *sys.argv[1:]]))
