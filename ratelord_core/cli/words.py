"""Numbers, spans and times as people say them; text from elsewhere made safe to print."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

DASH = "–"


def plain(value: object) -> str:
    """Text on one line, without control characters (which could steer a terminal)."""
    return "".join(c if c.isprintable() else " " for c in str(value))


def number(value: float | None) -> str:
    """``5,000``; None is a dash."""
    if value is None:
        return DASH
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,.2f}"


def span(seconds: float | None) -> str:
    """``0.3 s``, ``42 s``, ``3 min 5 s``, ``1 h 2 min``, ``2 d 3 h``; None is a dash."""
    if seconds is None:
        return DASH
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for size, name, below, below_name in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {name}" + (f" {rest} {below_name}" if rest else "")
    return f"{whole} s"


def instant(text: str | None) -> datetime | None:
    """The moment that an RFC 3339 timestamp names; None for none, or for what is no timestamp."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def time_of_day(text: str | None) -> str:
    """A timestamp as local ``HH:MM:SS``, with the date if it is not today's."""
    moment = instant(text)
    if moment is None:
        return DASH
    local = moment.astimezone()
    today = datetime.now(UTC).astimezone().date()
    return local.strftime("%H:%M:%S" if local.date() == today else "%Y-%m-%d %H:%M:%S")


def until(text: str | None) -> str:
    """How long from now until a timestamp; a past one is ``now``."""
    moment = instant(text)
    if moment is None:
        return DASH
    left = (moment - datetime.now(UTC)).total_seconds()
    return span(left) if left > 0 else "now"


def since(text: str | None) -> str:
    """How long ago a timestamp was."""
    moment = instant(text)
    if moment is None:
        return "never"
    return f"{span(max(0.0, (datetime.now(UTC) - moment).total_seconds()))} ago"


def pool_name(record: dict[str, Any]) -> str:
    """The key of a pool from anything that names one."""
    return plain(f"{record.get('provider_id', '?')}/{record.get('pool_id', '?')}")


def count(amount: int, noun: str, plural: str = "") -> str:
    """``1 pool``, ``2 pools``, ``no pools``."""
    return f"{amount or 'no'} {noun if amount == 1 else plural or noun + 's'}"


def track_record(score: dict[str, Any] | None) -> str:
    """How forecasts fared: ``210 settled, off by 0.02, P90 held 91 %``; a dash before any did."""
    if not isinstance(score, dict):
        return DASH
    held = score.get("coverage_p90")
    bounds = "" if held is None else f", P90 held {100 * held:.0f} %"
    off = score.get("calibration_error") or 0.0
    return f"{number(score.get('forecasts'))} settled, off by {off:.2g}{bounds}"
