"""``ratelord version``: which version this is, and which one runs."""

from __future__ import annotations

import platform

from cyclopts import App

from ratelord_core import __version__
from ratelord_core.cli.options import ADMINISTER, Json
from ratelord_core.cli.outcome import DONE
from ratelord_core.cli.screen import print_json, say


def register(app: App) -> None:
    """Add the verb."""
    app.command(version, group=ADMINISTER)


def version(*, json: Json = False) -> int:
    """Show the version."""
    if json:
        print_json({"version": __version__, "python": platform.python_version()})
    else:
        say(f"ratelord {__version__} (Python {platform.python_version()})")
    return DONE
