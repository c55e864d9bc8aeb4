"""Puts the verbs together, runs one, and turns whatever happens into an exit code and a line."""

from __future__ import annotations

import importlib
import io
import pkgutil
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from ratelord_core import __version__
from ratelord_core.cli import strangers, verbs
from ratelord_core.cli.outcome import DONE, USAGE, say_and_code

PROLOGUE = """Ask before you act: one daemon knows every limit, and answers before it is exceeded.

First time here? Type: ratelord demo"""

_SPEAKS_OF_ALL = "completion"


def build(arguments: Sequence[str] = ()) -> App:
    """The command line: the whole of it, or, for arguments that begin with a verb, this one.

    A verb of ours is the name of its module, so that it can be found without loading all others.
    """
    app = App(
        name="ratelord",
        help=PROLOGUE,
        help_format="plaintext",
        default_parameter=Parameter(show_default=False),
        version=__version__,
        version_flags=["--version"],
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks our signs shows others
            stream.reconfigure(errors="replace")
    app = build(arguments)
    try:
        code = app(list(arguments), exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CycloptsError as error:
        return _usage(error)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else DONE
    except BaseException as error:  # noqa: BLE001 - the last door: every error becomes a line
        return say_and_code(error)
    return code if isinstance(code, int) else DONE


def _usage(error: CycloptsError) -> int:
    verb = " ".join(error.command_chain) if error.command_chain else ""
    help_ = " ".join(part for part in ("ratelord", verb, "--help") if part)
    said = " ".join(str(error).split()).removeprefix(type(error).__name__).strip()
    said = said.partition(" Available commands")[0]
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        said = f"nothing is known to be done with {' '.join(error.unused_tokens)!r}"
    if not error.command_chain:  # the verb may be one of a plugin that cannot be used
        said = "; ".join((said.rstrip("."), *strangers.add_to(App(), _ours())))
    print(f"ratelord: {said.rstrip('.')}; see: {help_}", file=sys.stderr)
    return USAGE
