"""Exit codes, and the one table that turns errors into them."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Final

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
DENIED: Final = 3
UNREACHABLE: Final = 4
INTERRUPTED: Final = 130


class CommandFailed(Exception):
    """A command cannot do what it was told; the message is for people, with the next step."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        self.exit_code = exit_code
        super().__init__(message)


def say_and_code(error: BaseException, program: str = "ratelord") -> int:
    """Say the error in one line on standard error; returns the exit code that goes with it."""
    if isinstance(error, BrokenPipeError):
        # Whoever read us has seen enough; keep the interpreter from flushing into the void.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if os.environ.get("RATELORD_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)
    code, message = _row(error)
    print(f"{program}: {message}", file=sys.stderr)
    return code


def _row(error: BaseException) -> tuple[int, str]:
    if isinstance(error, CommandFailed):
        return error.exit_code, str(error)
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        step = "; name one that is there" if isinstance(error, FileNotFoundError) else ""
        return FAILED, f"{named}{error.strerror or error}{step}"
    if isinstance(error, ValueError):
        return USAGE, _line(error)
    if type(error).__module__.partition(".")[0] == "ratelord":
        return _client_row(error)
    return FAILED, _core_line(error)


def _core_line(error: BaseException) -> str:
    from ratelord_core.errors import PolicyError, RatelordError

    if isinstance(error, PolicyError):  # one line a finding
        return str(error)
    if isinstance(error, RatelordError):
        return _line(error)
    return (
        f"unexpected {type(error).__name__}: {_line(error)}; "
        "RATELORD_DEBUG=1 shows where it happened"
    )


def _client_row(error: BaseException) -> tuple[int, str]:
    import ratelord

    if isinstance(error, ratelord.DaemonUnreachable):
        return UNREACHABLE, _line(error)
    if isinstance(error, ratelord.RequestRefused):
        line = _line(error)  # the daemon's line already tells the first of the fields
        document = error.code == "policy_invalid"  # fields are paths in it, the line has the place
        told = [
            f"{field}: {message}"
            for field, message in error.errors
            if (message if document else f"{field}: {message}") not in line
        ]
        fields = "; ".join(told)
        step = {401: "set RATELORD_TOKEN", 403: "use a token with that role"}.get(error.status, "")
        return FAILED, "; ".join(part for part in (line, fields, step) if part)
    return FAILED, _line(error)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
