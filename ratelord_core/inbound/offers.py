"""Requests that offer another protocol: some clients do with the first of every connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import httptools

_OFFERING: Final = (b"upgrade", b"connection", b"http2-settings")


def without_offer(
    parser: httptools.HttpRequestParser, url: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> bytes | None:
    """The head that the parser has just read, as if it offered nothing: nobody has to take an offer
    (RFC 9110, 7.8). None if there is no request without it."""
    method, version = parser.get_method(), parser.get_http_version().encode()
    if method == b"CONNECT":
        return None
    lines = [b"%s %s HTTP/%s" % (method, url, version)]
    lines += [b"%s: %s" % one for one in headers if one[0].lower() not in _OFFERING]
    said = b",".join(value for name, value in headers if name.lower() == b"connection")
    if b"close" in said.lower():
        lines.append(b"connection: close")
    return b"\r\n".join((*lines, b"", b""))
