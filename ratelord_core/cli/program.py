"""What our programs share: how a command line begins, and what becomes of what happens."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from ratelord_core import __version__
from ratelord_core.cli.help_page import HelpPage, worth_saying
from ratelord_core.cli.outcome import DONE, USAGE, say_and_code


def blank(name: str, prologue: str = "") -> App:
    """A command line without verbs."""
    return App(
        name=name,
        help=prologue or None,
        help_format="plaintext",
        help_formatter=HelpPage(),
        default_parameter=Parameter(show_default=worth_saying),
        version=__version__,
        version_flags=["--version"],
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )


def carry_out(
    app: App,
    program: str,
    arguments: Sequence[str],
    beside: Callable[[], Iterable[str]] = tuple,
) -> int:
    """Run one command; returns the exit code. Errors are one line on standard error.

    ``beside`` yields what else is to be said when a verb is not known.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks our signs shows others
            stream.reconfigure(errors="replace")
    try:
        code: Any = app(list(arguments), exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CycloptsError as error:
        print(f"{program}: {_mistyped(error, program, beside)}", file=sys.stderr)
        return USAGE
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else DONE
    except BaseException as error:  # noqa: BLE001 - the last door: every error becomes a line
        return say_and_code(error, program)
    return code if isinstance(code, int) else DONE


def _mistyped(error: CycloptsError, program: str, beside: Callable[[], Iterable[str]]) -> str:
    verb = " ".join(error.command_chain) if error.command_chain else ""
    said = " ".join(str(error).split()).removeprefix(type(error).__name__).strip()
    said = said.partition(" Available commands")[0]
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        said = f"nothing is known to be done with {' '.join(error.unused_tokens)!r}"
    if not verb:  # it may be one of a plugin that cannot be used
        said = "; ".join((said.rstrip("."), *beside()))
    help_ = " ".join(part for part in (program, verb, "--help") if part)
    return f"{said.rstrip('.')}; see: {help_}"
