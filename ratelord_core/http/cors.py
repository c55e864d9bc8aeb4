"""Cross-origin reading: off, unless settings name the web pages that may."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ratelord_core.errors import SettingsError
from ratelord_core.http.exchange import Exchange, Reply

_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
_EXPOSED: Final = (
    b"x-request-id, x-ratelord-warning, etag, retry-after, ratelimit, ratelimit-policy, "
    b"traceresponse"
)
_METHODS: Final = b"GET, POST, DELETE"
_HEADERS: Final = (
    b"authorization, content-type, idempotency-key, if-none-match, last-event-id, traceparent, "
    b"x-request-id"
)
_REMEMBER: Final = b"600"
"""Seconds in which a browser need not ask again whether it may ask."""


class Cors:
    """The web pages that may read what is answered here."""

    def __init__(self, origins: Iterable[str]) -> None:
        listed = [origin.rstrip("/") for origin in origins]
        for origin in listed:
            if not _ORIGIN.fullmatch(origin):
                raise SettingsError(
                    f"cors_origins {origin!r} is no web page's origin; write https://example.com "
                    "or http://localhost:3000, one for each page"
                )
        self.origins = frozenset(origin.lower().encode() for origin in listed)

    def allows(self, headers: dict[bytes, bytes]) -> bytes | None:
        """The origin of a request that comes from one of these pages."""
        origin = headers.get(b"origin")
        return origin if origin is not None and origin.lower() in self.origins else None

    def let_read(self, exchange: Exchange, origin: bytes) -> None:
        """Let the page read the reply, and others not take it out of a cache."""
        exchange.extra = (
            *exchange.extra,
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
            (b"cross-origin-resource-policy", b"cross-origin"),
            (b"vary", b"origin"),
        )

    @staticmethod
    def asks_first(exchange: Exchange) -> bool:
        """Whether a browser asks whether it may ask."""
        asks = b"access-control-request-method" in exchange.headers
        return asks and exchange.scope["method"] == "OPTIONS"

    @staticmethod
    def may_ask() -> Reply:
        """What the browser is told."""
        return Reply(
            b"",
            204,
            headers=(
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", _HEADERS),
                (b"access-control-max-age", _REMEMBER),
            ),
        )
