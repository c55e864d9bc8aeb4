"""Reading a request's body: bounded, and only of a type that a foreign page cannot send."""

from __future__ import annotations

from typing import Final

from ratelord_core.http.exchange import Exchange
from ratelord_core.http.problems import HttpRefusal
from ratelord_core.wire.faults import shown

JSON_TYPES: Final = frozenset({"application/json"})
DOCUMENT_TYPES: Final = JSON_TYPES | {
    "application/yaml",
    "application/x-yaml",
    "text/yaml",
    "text/x-yaml",
    "text/plain",
}
"""What a policy document may be sent as."""


_PATIENCE: Final = 16 * 1024 * 1024
"""Bytes of a refused body that are read and thrown away."""


class ClientGoneError(Exception):
    """The client hung up before it had sent everything: nobody is left to answer."""


async def read_body(
    exchange: Exchange, limit: int, types: frozenset[str] = JSON_TYPES, *, optional: bool = False
) -> bytes:
    """The whole body. Raises the 413, the 415, or the 400 for a missing one."""
    length = exchange.headers.get(b"content-length")
    _check_length(length, limit)
    if length not in (None, b"0") or b"transfer-encoding" in exchange.headers:
        media_type(exchange, types)  # before anybody is told to go on and send it
    body = await _next_part(exchange)
    if exchange.unread:
        body = await _rest(exchange, bytearray(body), limit)
    if len(body) > limit:
        raise _too_large(limit)
    if not body:
        if optional:
            return body
        raise HttpRefusal(400, "malformed_json", "the body is empty: send a JSON object")
    _check_coding(exchange.headers.get(b"content-encoding", b""), body)
    return body


def media_type(exchange: Exchange, types: frozenset[str]) -> str:
    """The body's media type, if it is one of ``types``; else the 415."""
    header = exchange.headers.get(b"content-type", b"")
    if header == b"application/json":
        return "application/json"
    text = header.decode("latin-1").lower()
    kind, _, parameters = text.partition(";")
    charset = parameters.replace(" ", "").replace('"', "")
    if kind.strip() in types and charset in ("", "charset=utf-8", "charset=utf8"):
        return kind.strip()
    sent = f"Content-Type {shown(text)}" if text else "no Content-Type"
    raise HttpRefusal(415, "unsupported_media_type", f"{sent}: send application/json in UTF-8")


async def discard(exchange: Exchange) -> None:
    """Let a client that is refused finish sending, so that it gets to read why.

    Hanging up on unread bytes makes the network drop the reply too. A client that waits for leave
    to send its body is not given it, and nobody is listened to for ever.
    """
    sends = b"content-length" in exchange.headers or b"transfer-encoding" in exchange.headers
    if b"expect" in exchange.headers or not sends:
        return
    seen = 0
    while exchange.unread and seen < _PATIENCE:
        seen += len(await _next_part(exchange))


async def _rest(exchange: Exchange, body: bytearray, limit: int) -> bytes:
    while exchange.unread and len(body) <= limit:
        body += await _next_part(exchange)
    return bytes(body)


async def _next_part(exchange: Exchange) -> bytes:
    message = await exchange.receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    exchange.unread = message.get("more_body", False)
    part: bytes = message.get("body", b"")
    return part


def _check_length(header: bytes | None, limit: int) -> None:
    if header is not None and header.isdigit() and int(header) > limit:
        raise _too_large(limit)


def _check_coding(coding: bytes, body: bytes) -> None:
    """The 415 for a body that was compressed, which says what its first bytes would not."""
    if not coding or coding.strip().lower() == b"identity":
        return
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        said = f"Content-Encoding {shown(coding.decode('latin-1'))}"
        raise HttpRefusal(
            415, "unsupported_media_type", f"{said}: send the body as it is, uncompressed"
        ) from None


def _too_large(limit: int) -> HttpRefusal:
    return HttpRefusal(413, "body_too_large", f"the body is larger than {limit} bytes; send less")
