"""Pins, costs and what is the asker's own, as they are typed."""

from __future__ import annotations

from collections.abc import Sequence

from ratelord_core.cli.outcome import USAGE, CommandFailed


def read_costs(texts: Sequence[str]) -> dict[str, float] | None:
    """``PROVIDER/POOL=UNITS`` texts as units by pool; None if there are none."""
    return dict(_cost(text) for text in texts) or None


def read_context(texts: Sequence[str]) -> dict[str, str] | None:
    """``KEY=VALUE`` texts as values by key; None if there are none."""
    return dict(_said(text) for text in texts) or None


def read_pin(provider: str | None, pool: str | None) -> tuple[str | None, str | None]:
    """The provider and the pool that were meant; a pool may be typed as ``PROVIDER/POOL``."""
    if pool is not None and provider is None and "/" in pool:
        provider, _, pool = pool.partition("/")
    return provider, pool


def _said(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key or not value:
        raise CommandFailed(f"--context {text!r} says nothing; write it as KEY=VALUE", USAGE)
    return key, value


def _cost(text: str) -> tuple[str, float]:
    pool, equals, units = text.rpartition("=")
    try:
        amount = float(units)
    except ValueError:
        amount = -1.0
    if not equals or "/" not in pool or not 0 <= amount < float("inf"):
        raise CommandFailed(f"--costs {text!r} is no cost; write it as PROVIDER/POOL=UNITS", USAGE)
    return pool, amount
