"""The command line: ``ratelord-sim``, and ``ratelord sim``."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """The console script ``ratelord-sim``."""
    from ratelord_sim.cli.app import run

    sys.exit(run(sys.argv[1:]))
