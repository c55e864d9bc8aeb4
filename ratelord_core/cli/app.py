"""Puts the verbs together, and runs one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence

from cyclopts import App

from ratelord_core.cli import strangers, verbs
from ratelord_core.cli.program import blank, carry_out

PROLOGUE = """Ask before you act: one daemon knows every limit, and answers before it is exceeded.

First time here? Type: ratelord demo"""

EPILOGUE = (
    "Variables: RATELORD_URL says where the daemon is, RATELORD_TOKEN who is calling, "
    "RATELORD_TIMEOUT how many seconds an answer may take. All of them: ratelord config show"
)

_SPEAKS_OF_ALL = "completion"


def build(arguments: Sequence[str] = ()) -> App:
    """The command line: the whole of it, or, for arguments that begin with a verb, this one.

    A verb of ours is the name of its module, so that it can be found without loading all others.
    """
    app = blank("ratelord", PROLOGUE)
    app.help_epilogue = EPILOGUE
    ours = _ours()
    named = arguments[0] if arguments else ""
    if named in ours and named != _SPEAKS_OF_ALL:
        _register(named, app)
        return app
    strangers.add_to(app, ours)
    if named.startswith("-") or named not in app:  # flags are in it, but name no verb
        for name in ours:
            _register(name, app)
    return app


def _ours() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(verbs.__path__))


def _register(name: str, app: App) -> None:
    importlib.import_module(f"{verbs.__name__}.{name}").register(app)


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code. Errors are one line on standard error."""
    return carry_out(build(arguments), "ratelord", arguments, _unusable)


def _unusable() -> list[str]:
    """What is wrong with plugins whose verbs are therefore unknown."""
    return strangers.add_to(App(), _ours())


def run_daemon(arguments: Sequence[str]) -> int:
    """The daemon under a name of its own: what ``ratelord up`` does, and no other verb."""
    from ratelord_core.cli.verbs.up import up

    app = blank("ratelord-d")
    app.default(up)
    return carry_out(app, "ratelord-d", arguments)
