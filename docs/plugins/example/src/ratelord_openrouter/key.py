"""What OpenRouter says of a key: ``GET /api/v1/key``."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, Literal

import msgspec

from ratelord_core.errors import ProviderFailed
from ratelord_core.model.pool import MAX_UNITS, MONEY, Pool
from ratelord_core.model.window import CalendarUnit, Window

POOL: Final = "credits"
_MICRO: Final = 1_000_000
_UNITS: Final[dict[str, CalendarUnit]] = {"daily": "day", "weekly": "week", "monthly": "month"}


class Key(msgspec.Struct, frozen=True):
    """Dollars. ``limit`` None: this key may spend whatever the account has. ``limit_reset`` None:
    what is spent does not come back."""

    usage: Decimal
    limit: Decimal | None = None
    limit_remaining: Decimal | None = None
    limit_reset: Literal["daily", "weekly", "monthly"] | None = None


class _Answer(msgspec.Struct, frozen=True):
    data: Key


def read_key(body: bytes) -> Key:
    """The key of an answer. Raises ``ProviderFailed`` for one that contradicts itself: half a truth
    about money is worse than none."""
    try:
        key = msgspec.json.decode(body, type=_Answer).data
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ProviderFailed("malformed", "the answer does not describe a key") from None
    amounts = [key.usage, key.limit or Decimal(0), key.limit_remaining or Decimal(0)]
    if not all(amount.is_finite() and abs(amount) * _MICRO <= MAX_UNITS for amount in amounts):
        raise ProviderFailed("malformed", "the answer has an amount that no account holds")
    if key.limit is not None and (key.limit < 0 or key.limit_remaining is None):
        raise ProviderFailed("malformed", "the answer has a limit and not what is left of it")
    return key


def pool_of(provider_id: str, key: Key) -> Pool:
    """The key's credit as a pool. OpenRouter's days, weeks and months begin at midnight UTC."""
    unit = _UNITS.get(key.limit_reset or "")
    window = Window(kind="calendar", unit=unit) if unit else Window(kind="unbounded")
    return Pool(provider_id, POOL, unit=MONEY, window=window)


def micro(dollars: Decimal, *, up: bool) -> int:
    """Millionths of a dollar, rounded to the side that promises less."""
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return int((dollars * _MICRO).to_integral_value(rounding))
