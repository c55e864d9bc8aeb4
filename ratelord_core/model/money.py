"""Amounts of money as people read them."""

from __future__ import annotations

_CENT = 10_000
_DOLLAR = 1_000_000


def dollars(microusd: int) -> str:
    """Micro-USD as text, with the digits that tell small amounts apart: ``$1.25``, ``$0.018``,
    ``$0.00025``."""
    places = 2 if microusd >= _DOLLAR else 4 if microusd >= _CENT else 6
    whole, _, part = f"{microusd / _DOLLAR:,.{places}f}".partition(".")
    return f"${whole}.{part[:2]}{part[2:].rstrip('0')}"
