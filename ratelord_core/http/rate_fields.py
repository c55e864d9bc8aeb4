"""What a decision says of its pools in the words of rate-limited HTTP.

``RateLimit-Policy`` and ``RateLimit`` as draft-ietf-httpapi-ratelimit-headers-11 has them: for each
pool that was drawn from its limit (``q``), its window in seconds (``w``, where it has a fixed
length), what is left (``r``) and in how many seconds it resets (``t``). ``Retry-After`` (RFC 9110)
for denials that time can heal.
"""

from __future__ import annotations

from collections.abc import Callable
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
        every = f";w={-(-window // SECOND)}" if window else ""
        policies.append(f'"{line.pool}";q={limit}{every}')
        resets = line.reset_at
        wait = "" if resets is None else f";t={max(0, -(-(resets - decision.as_of) // SECOND))}"
        rates.append(f'"{line.pool}";r={max(0, line.remaining)}{wait}')
    if not rates:
        return b""
    said = f"ratelimit-policy: {', '.join(policies)}\r\nratelimit: {', '.join(rates)}\r\n"
    return said.encode("ascii")


def as_headers(lines: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Header lines as name and value each."""
    pairs = (line.split(b": ", 1) for line in lines.split(b"\r\n") if line)
    return tuple((name, value) for name, value in pairs)
