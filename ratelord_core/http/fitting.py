"""Replies fitted to who asks: compressed if they may be, left out if they are known already."""

from __future__ import annotations

import asyncio
import gzip
from hashlib import sha256
from typing import Final

from msgspec.structs import replace

from ratelord_core.http.exchange import Reply

WORTHWHILE: Final = 1024
"""Bytes from which on a body is compressed."""
_LARGE: Final = 64 * 1024
"""Bytes from which on another thread compresses, so that no question waits for it."""
_LEVEL: Final = 5
_VARY: Final = (b"vary", b"accept-encoding")


async def fitted(reply: Reply, headers: dict[bytes, bytes], *, tagged: bool) -> Reply:
    """The same reply as this asker best takes it: a 304 for what it has, gzip where it takes that.

    Tags are weak: they say that the content is the same, not its encoding.
    """
    if reply.status != 200:
        return reply
    if tagged:
        tag = _tag(reply.body)
        kept = (*reply.headers, (b"etag", tag), (b"cache-control", b"no-cache"))
        reply = replace(reply, headers=kept)
        if _has(headers.get(b"if-none-match", b""), tag):
            return replace(reply, body=b"", status=304)
    if len(reply.body) < WORTHWHILE:
        return reply
    reply = replace(reply, headers=(*reply.headers, _VARY))
    if not takes_gzip(headers.get(b"accept-encoding", b"")):
        return reply
    body = (
        await asyncio.to_thread(_compressed, reply.body)
        if len(reply.body) > _LARGE
        else _compressed(reply.body)
    )
    return replace(reply, body=body, headers=(*reply.headers, (b"content-encoding", b"gzip")))


def takes_gzip(accepted: bytes) -> bool:
    """Whether an Accept-Encoding header names gzip, or everything, and does not refuse it."""
    weights = {}
    for part in accepted.lower().split(b","):
        name, _, parameter = part.partition(b";")
        weights[name.strip()] = parameter.replace(b" ", b"")
    weight = weights.get(b"gzip", weights.get(b"*"))
    return weight is not None and weight not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")


def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)


def _tag(body: bytes) -> bytes:
    return b'W/"%s"' % sha256(body).hexdigest()[:24].encode()


def _has(known: bytes, tag: bytes) -> bool:
    opaque = tag.removeprefix(b"W/")
    tags = {part.strip().removeprefix(b"W/") for part in known.split(b",")}
    return b"*" in tags or opaque in tags
