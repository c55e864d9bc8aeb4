"""Structured log lines on standard error: one event a line, text or JSON, never a secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import structlog

from ratelord_core.correlation import CURRENT
from ratelord_core.model.ids import uuid_text


@contextmanager
def lines_on_stderr(level: str, form: Literal["text", "json"]) -> Iterator[None]:
    """Meanwhile send every logger's lines to standard error, and say for which request.

    Then all is as it was: who runs a daemon within a program of their own keeps their log.
    """
    root, structured = logging.getLogger(), structlog.get_config()
    handlers, threshold = root.handlers[:], root.level
    _configure(level, form)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(threshold)
        structlog.configure(**structured)


def _configure(level: str, form: Literal["text", "json"]) -> None:
    shared: list[structlog.typing.Processor] = [
        _named,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        # Plain: the prettier traceback shows local variables, and tokens are among those.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info if form == "json" else _untouched,
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def silence(conceal: Callable[[str], str]) -> None:
    """From now on, blot out of every line what must not be read: whoever wrote it, a plugin too."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Discreet(handler.formatter, conceal))


class _Discreet(logging.Formatter):
    def __init__(self, formatter: logging.Formatter | None, conceal: Callable[[str], str]) -> None:
        super().__init__()
        self._formatter = formatter or logging.Formatter()
        self._conceal = conceal

    def format(self, record: logging.LogRecord) -> str:
        return self._conceal(self._formatter.format(record))


def _named(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Say on whose behalf, where a door has said it and the line does not."""
    named = CURRENT.get(None)
    if named is None:
        return event
    event.setdefault("request_id", named.request_id)
    if named.trace_id:
        event.setdefault("trace_id", named.trace_id)
    if named.intent_id:
        event.setdefault("intent_id", named.intent_id)
    if named.event_id:
        event.setdefault("event_id", uuid_text(named.event_id))
    return event


def _untouched(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return event
