"""Instants and spans: integer microseconds, UTC, since 1970-01-01."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

Micros = int
"""Microseconds: an instant since the epoch, or a span between two instants."""

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE = timedelta(microseconds=1)
LATEST: Micros = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // _ONE - 1
"""The last instant that can be written; a day short of the calendar's end, for the time zones."""


def to_datetime(instant: Micros) -> datetime:
    """The instant as an aware UTC datetime; what lies beyond ``LATEST`` reads as ``LATEST``.

    A level that was driven far below 0 refills in a million years, and must not break a reply.
    """
    return _EPOCH + timedelta(microseconds=min(instant, LATEST))


def from_datetime(moment: datetime) -> Micros:
    """The instant of an aware datetime; a naive one is a ``ValueError``."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return (moment - _EPOCH) // _ONE


def to_text(instant: Micros) -> str:
    """RFC 3339 in UTC with microseconds: ``2026-01-31T12:00:00.000000Z``."""
    return to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> Micros:
    """The instant an RFC 3339 timestamp names; anything else is a ``ValueError``."""
    return from_datetime(datetime.fromisoformat(text))


def from_seconds(seconds: float) -> Micros:
    """Seconds as microseconds, rounded up so that a wait is never too short."""
    return -int(-seconds * SECOND // 1)


def to_seconds(span: Micros) -> float:
    """Microseconds as seconds."""
    return span / SECOND
