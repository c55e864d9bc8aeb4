"""The one scenario, or other file, that a command line names."""

from __future__ import annotations

from pathlib import Path

from ratelord_core.cli.outcome import USAGE, CommandFailed


def the_one(name: str) -> Path:
    """The file that a path or the short name of a shipped scenario stands for. Raises
    ``CommandFailed`` if it stands for several, ``RatelordError`` if for none."""
    from ratelord_sim import library

    found = library.find([name])
    if len(found) != 1:
        raise CommandFailed(f"{name!r} names {len(found)} scenarios; name one", USAGE)
    return found[0]
