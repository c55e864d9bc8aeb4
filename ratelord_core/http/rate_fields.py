"""What a decision says of its pools in the words of rate-limited HTTP.

``RateLimit-Policy`` and ``RateLimit`` as draft-ietf-httpapi-ratelimit-headers-11 has them: for each
pool that was drawn from its limit (``q``), its window in seconds (``w``, where it has a fixed
length), what is left (``r``) and in how many seconds it resets (``t``). ``Retry-After`` (RFC 9110)
for denials that time can heal.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from ratelord_core.model.decision import Decision
from ratelord_core.model.instant import SECOND, Micros

Ceiling = tuple[int | None, Micros | None]
"""A pool's limit, and the length of its window; None where it has none."""
_MOST: Final = 4
"""Pools that are told of: more would be a long line for a rare reader."""


def rate_lines(decision: Decision, ceiling: Callable[[str], Ceiling]) -> bytes:
    """The header lines of a decision; empty if there is nothing to be said."""
    if decision.retry_after is not None:
        return b"retry-after: %d\r\n" % -(-decision.retry_after // SECOND)
    policies, rates = [], []
    for line in decision.holds[:_MOST]:
        limit, window = ceiling(line.pool)
        if limit is None:
            continue
        policies.append(_policy(line.pool, limit, window))
        wait, left = "", line.remaining
        if line.reset_at is not None:
            ahead = -(-(line.reset_at - decision.as_of) // SECOND)
            wait = f";t={ahead if ahead > 0 else 0}"
        rates.append(f'"{line.pool}";r={left if left > 0 else 0}{wait}')
    if not rates:
        return b""
    said = f"ratelimit-policy: {', '.join(policies)}\r\nratelimit: {', '.join(rates)}\r\n"
    return said.encode("ascii")


@lru_cache(maxsize=1024)  # the same for every answer until a limit changes
def _policy(pool: str, limit: int, window: Micros | None) -> str:
    every = f";w={-(-window // SECOND)}" if window else ""
    return f'"{pool}";q={limit}{every}'


def as_headers(lines: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Header lines as name and value each."""
    pairs = (line.split(b": ", 1) for line in lines.split(b"\r\n") if line)
    return tuple((name, value) for name, value in pairs)
