"""Instants as wire text, cheaply: the part before the microseconds is made once a second."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from ratelord_core.model.instant import LATEST, SECOND, Micros, from_text


@lru_cache(maxsize=4096)
def _whole_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")


@lru_cache(maxsize=1024)  # one answer shows each of its instants several times
def timestamp(instant: Micros) -> str:
    """RFC 3339 in UTC with microseconds, equal to ``model.instant.to_text``."""
    second, micros = divmod(min(instant, LATEST), SECOND)
    return f"{_whole_second(second)}{micros:06d}Z"


def optional_timestamp(instant: Micros | None) -> str | None:
    """The same for an instant that may be unknown."""
    return None if instant is None else timestamp(instant)


def read_timestamp(text: str) -> Micros:
    """The instant of an RFC 3339 time with its zone, from 1970 on; else a ``ValueError``."""
    instant = from_text(text)
    if instant < 0:
        raise ValueError(f"{text} is before 1970")
    return instant
