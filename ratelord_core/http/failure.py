"""Telling the log of a failure without telling it what the caller sent.

A rendered traceback shows local variables and messages, and those hold headers and bodies. The kind
of the error and the lines it came through are enough to find it.
"""

from __future__ import annotations

import traceback
from pathlib import PurePath

import structlog

from ratelord_core.http.exchange import Exchange

_log = structlog.get_logger("ratelord.http")


def log_failure(event: str, exchange: Exchange, error: BaseException) -> None:
    """Write down that a request failed: its id and path, the error's kind, where it was raised."""
    _log.error(
        event,
        request_id=exchange.request_id,
        method=exchange.scope["method"],
        path=exchange.scope["path"],
        error=type(error).__name__,
        lines=lines_of(error),
    )


def log_refusal(exchange: Exchange, error: Exception) -> None:
    """Write down that somebody was not let in: whence, where to, why; never what was shown."""
    _log.warning(
        "refused",
        request_id=exchange.request_id,
        client=(exchange.scope.get("client") or ("unix socket",))[0],
        route=exchange.route or "",
        code=getattr(error, "code", type(error).__name__),
    )


def lines_of(error: BaseException) -> list[str]:
    """Where an error came through, outermost first: ``file:line function``."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
