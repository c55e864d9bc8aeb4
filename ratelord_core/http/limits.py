"""How much, how slowly and how often a stranger may send before the connection is ended."""

from __future__ import annotations

from typing import Final

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Bounds of every connection, and of their number. Spans are seconds, sizes bytes.

    ``request_timeout``: a request must have arrived in full; ``idle_timeout``: a connection may
    rest between two; ``reader_timeout``: a reply must find room; ``handshake_timeout``: TLS must
    be agreed upon. ``pipelined`` requests may wait behind the first of a connection.
    """

    head_bytes: int = 64 * 1024
    headers: int = 128
    pipelined: int = 100
    connections: int = 16_384
    request_timeout: float = 30.0
    idle_timeout: float = 75.0
    reader_timeout: float = 30.0
    handshake_timeout: float = 10.0


USUAL: Final = Limits()
