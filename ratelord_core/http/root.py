"""The first page: what this is, and where to go on."""

from __future__ import annotations

import msgspec

from ratelord_core import __version__
from ratelord_core.http.exchange import Answer, Exchange, json_reply


class RootView(msgspec.Struct, frozen=True):
    """What this is, and where its main paths are."""

    name: str
    version: str
    links: dict[str, str]


_LINKS = {
    "health": "/v1/health",
    "pools": "/v1/pools",
    "events": "/v1/events",
    "reference": "/docs",
    "openapi": "/openapi.json",
}


class Root:
    """What HTTP shows to who asks for nothing in particular."""

    async def show(self, _exchange: Exchange) -> Answer:
        """What this is, and where its main paths are."""
        return json_reply(RootView("ratelord", __version__, _LINKS))
