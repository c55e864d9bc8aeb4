"""Undoing a response's content coding piece by piece, never further than there is room for."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

Decoder = Callable[[bytes, int], bytes]
"""Takes the next piece and the bytes there is room for; raises ``TooLong`` for more, and what its
library likes to raise for what it cannot read."""


class TooLong(Exception):
    """It would be longer than there is room for."""


def decoder(coding: str) -> Decoder | None:
    """A decoder for one response; None for a coding that nobody here can read in pieces."""
    make = _codings().get(coding.strip().lower())
    return make() if make else None


@cache
def readable() -> frozenset[str]:
    """The codings that can be read."""
    return frozenset(_codings())


@cache
def _codings() -> dict[str, Callable[[], Decoder]]:
    found: dict[str, Callable[[], Decoder]] = {
        "": lambda: _within,
        "identity": lambda: _within,
        "gzip": lambda: _Inflating(zlib.MAX_WBITS | 16),
        "x-gzip": lambda: _Inflating(zlib.MAX_WBITS | 16),
        "deflate": _Deflated,
    }
    zstd = _first("compression.zstd", "backports.zstd")
    if zstd is not None:
        found["zstd"] = lambda: _zstd(zstd.ZstdDecompressor())
    brotli = _first("brotli")
    if hasattr(getattr(brotli, "Decompressor", None), "can_accept_more_data"):  # else no limit
        found["br"] = lambda: _brotli(brotli.Decompressor())
    return found


def _first(*names: str) -> Any:
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


def _within(piece: bytes, room: int) -> bytes:
    if len(piece) > room:
        raise TooLong
    return piece


def _zstd(inner: Any) -> Decoder:
    return lambda piece, room: _within(inner.decompress(piece, room + 1), room)


def _brotli(inner: Any) -> Decoder:
    return lambda piece, room: _within(inner.process(piece, output_buffer_limit=room + 1), room)


class _Inflating:
    def __init__(self, bits: int) -> None:
        self._inner = zlib.decompressobj(bits)

    def __call__(self, piece: bytes, room: int) -> bytes:
        return _within(self._inner.decompress(piece, room + 1), room)


class _Deflated:
    """With a header, as it should be, or without, as some send it: the first byte tells."""

    _inner: _Inflating | None = None

    def __call__(self, piece: bytes, room: int) -> bytes:
        if self._inner is None and piece:
            headed = piece[0] & 0x0F == zlib.DEFLATED
            self._inner = _Inflating(zlib.MAX_WBITS if headed else -zlib.MAX_WBITS)
        return self._inner(piece, room) if self._inner else b""
