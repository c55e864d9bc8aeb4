"""Replies as bytes, for connections that write them without a server's help."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec

from ratelord_core.http.exchange import Exchange, Reply
from ratelord_core.http.problems import PROBLEM_JSON, Problem

_UNREAD: Final = "unread"
"""The name of a request that could not be read far enough to have one."""


def head_bytes(reply: Reply, exchange: Exchange) -> bytes:
    """A reply's status line and headers, without the empty line after them."""
    status = b"HTTP/1.1 %d %s" % (reply.status, HTTPStatus(reply.status).phrase.encode())
    lines = [b"%s: %s" % header for header in reply.head(exchange)["headers"]]
    return b"\r\n".join((status, *lines, b""))


def problem_bytes(status: int, code: str, detail: str) -> bytes:
    """The whole reply to what was no request."""
    title = HTTPStatus(status).phrase
    kind = f"urn:ratelord:problem:{code}"
    body = msgspec.json.encode(Problem(kind, title, status, detail, "/", code, _UNREAD))
    return b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n%s\r\n%s" % (
        status,
        title.encode(),
        PROBLEM_JSON,
        len(body),
        b"x-request-id: unread\r\nx-content-type-options: nosniff\r\nconnection: close\r\n",
        body,
    )
