"""Who keeps how many streams open, so that nobody takes them all: no token, and no address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ratelord_core.errors import Unavailable
from ratelord_core.model.caller import Caller

_PAUSE = 5.0
"""Seconds after which it is worth asking again: streams last."""


class StreamSeats:
    """Seats for streams: ``most`` of all together, ``each`` of one party."""

    def __init__(self, most: int = 256, each: int = 64) -> None:
        self._most = most
        self._each = each
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, party: str) -> Iterator[None]:
        """A seat, for as long as the block lasts. Raises ``Unavailable`` if there is none left, or
        none for this party."""
        held, open_ = self._taken[party], self._taken.total()
        if held >= self._each:
            raise _too_many(f"{held} streams are yours", "RATELORD_MAX_STREAMS_EACH")
        if open_ >= self._most:
            raise _too_many(f"{open_} streams are open", "RATELORD_MAX_STREAMS")
        self._taken[party] += 1
        try:
            yield
        finally:
            self._taken[party] -= 1
            if not self._taken[party]:
                del self._taken[party]


def party_of(caller: Caller, scope: Mapping[str, Any]) -> str:
    """Who answers for a stream: the token's identity, else the address it comes from (none: the
    Unix socket)."""
    if caller.identity_id is not None:
        return f"identity {caller.identity_id}"
    client = scope.get("client")
    return f"address {client[0] if client else ''}"


def _too_many(held: str, setting: str) -> Unavailable:
    return Unavailable(
        f"{held}, which is the most ({setting}); close one",
        code="too_many_streams",
        retry_after=_PAUSE,
    )
