"""Wrong tokens cost whoever sends them time: more with each, and nobody else anything."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from ipaddress import IPv6Network, ip_address
from typing import Final

import structlog

from ratelord_core.doors import Scope
from ratelord_core.http.problems import HttpRefusal

FREE: Final = 5
"""Wrong tokens of one source that are answered at once."""
_FIRST: Final = 0.05
_LONGEST: Final = 2.0
_FORGIVEN: Final = 10.0
"""Seconds after which one wrong token counts no more."""
_SOURCES: Final = 1024
_WAITING: Final = 256
"""Refusals that may be held back at once; beyond it they are a 429."""

_log = structlog.get_logger("ratelord.http")


class Suspicion:
    """Remembers who sent wrong tokens lately, in bounded memory.

    Only refusals wait: a good token is found good before anybody looks here, also when it comes
    from a source under suspicion.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._waiting = 0

    async def hold_back(self, scope: Scope) -> HttpRefusal | None:
        """Let a refusal wait for as long as its source has earned; a 429 in its place if too many
        wait already."""
        delay = self.note(source_of(scope), asyncio.get_running_loop().time())
        if not delay:
            return None
        if self._waiting >= _WAITING:
            return HttpRefusal(
                429,
                "too_many_attempts",
                "too many wrong tokens; come back later with a right one",
                ((b"retry-after", b"%d" % round(_FORGIVEN)),),
            )
        self._waiting += 1
        try:
            await asyncio.sleep(delay)
        finally:
            self._waiting -= 1
        return None

    def note(self, source: str, now: float) -> float:
        """Count a wrong token; seconds that its refusal is to wait."""
        count, last = self._seen.pop(source, (0.0, now))
        count = max(0.0, count - (now - last) / _FORGIVEN) + 1
        self._seen[source] = (count, now)
        if len(self._seen) > _SOURCES:
            self._seen.popitem(last=False)
        if count <= FREE:
            return 0.0
        if count <= FREE + 1:
            _log.warning("wrong tokens", source=source, count=FREE + 1)
        return float(min(_LONGEST, _FIRST * 2 ** min(count - FREE - 1, 30)))

    def __len__(self) -> int:
        return len(self._seen)


def source_of(scope: Scope) -> str:
    """Who sends: an address, for IPv6 its network (one host has all of it), or the Unix socket."""
    client = scope.get("client")
    if not client or not client[0]:
        return "socket"
    try:
        address = ip_address(client[0].partition("%")[0])
    except ValueError:
        return str(client[0])
    if address.version == 4:
        return str(address)
    return str(IPv6Network((int(address), 64), strict=False))
