"""Instants as a case writes them: RFC 3339, or local time with the name of its zone."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import yaml

from ratelord_core.model.instant import Micros, from_datetime
from ratelord_core.policy.reading import Reading
from ratelord_core.policy.values import text

DEFAULT: Final = "2026-01-05T12:00:00Z"
"""When a case plays that does not say: a Monday, at noon."""


def instant_of(written: str) -> Micros:
    """The instant of ``2026-03-02T10:00:00Z`` or ``2026-03-02 10:00 Europe/Madrid``; anything else
    is a ``ValueError``."""
    stamp, _, zone = written.strip().rpartition(" ")
    try:
        if "/" in zone or zone == "UTC":
            local = datetime.fromisoformat(stamp).replace(tzinfo=ZoneInfo(zone))
            return from_datetime(local)
        return from_datetime(datetime.fromisoformat(written.strip()))
    except (ValueError, KeyError, OSError, OverflowError) as error:
        raise ValueError(f"{written!r} is not an instant with a time zone") from error


def moment(node: yaml.Node, path: str, reading: Reading) -> Micros | None:
    """An instant of a case."""
    written = text(node, path, reading)
    if written is None:
        return None
    try:
        return instant_of(written)
    except ValueError as error:
        hint = "write 2026-03-02T10:00:00Z or 2026-03-02 10:00 Europe/Madrid"
        reading.found(node, path, str(error), hint)
        return None
