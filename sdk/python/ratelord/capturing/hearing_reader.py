"""A reader of ``aiohttp`` that hears what is read, and settles at its end or when given up."""

from __future__ import annotations

from typing import Any, Protocol

from aiohttp.streams import AsyncStreamIterator, ChunkTupleAsyncStreamIterator

from ratelord.capturing.conversation import Conversation


class Settle(Protocol):
    """Reports a call; awaited by who reads, or beside."""

    def __call__(self, call: Conversation, *, ended: bool) -> Any:
        """Whether the response ``ended``, or was given up."""
        ...


class HearingReader:
    """Reads as the reader inside does; whatever else that one can, this one can."""

    def __init__(
        self, inner: Any, call: Conversation, settle: Settle, settle_beside: Settle
    ) -> None:
        self._inner = inner
        self._talk = call
        self._settle = settle
        self._settle_beside = settle_beside
        self._settled = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def read(self, n: int = -1) -> bytes:
        """As the reader inside."""
        return bytes(await self._heard(self._inner.read(n)))

    async def readany(self) -> bytes:
        """As the reader inside."""
        return bytes(await self._heard(self._inner.readany()))

    async def readexactly(self, n: int) -> bytes:
        """As the reader inside."""
        return bytes(await self._heard(self._inner.readexactly(n)))

    async def readline(self, **named: Any) -> bytes:
        """As the reader inside."""
        return bytes(await self._heard(self._inner.readline(**named)))

    async def readuntil(self, *words: Any, **named: Any) -> bytes:
        """As the reader inside."""
        return bytes(await self._heard(self._inner.readuntil(*words, **named)))

    async def readchunk(self) -> tuple[bytes, bool]:
        """As the reader inside."""
        piece, last = await self._heard(self._inner.readchunk())
        return piece, last

    def read_nowait(self, n: int = -1) -> bytes:
        """As the reader inside."""
        piece = bytes(self._inner.read_nowait(n))
        self._talk.hear(piece)
        if self._inner.at_eof():
            self._beside(ended=True)
        return piece

    def __aiter__(self) -> AsyncStreamIterator[bytes]:
        return AsyncStreamIterator(self.readline)

    def iter_chunked(self, n: int) -> AsyncStreamIterator[bytes]:
        """Pieces of at most so many bytes."""
        return AsyncStreamIterator(lambda: self.read(n))

    def iter_any(self) -> AsyncStreamIterator[bytes]:
        """Pieces as they come."""
        return AsyncStreamIterator(self.readany)

    def iter_chunks(self) -> ChunkTupleAsyncStreamIterator:
        """Pieces, and whether each ends a chunk of the transfer."""
        return ChunkTupleAsyncStreamIterator(self)  # type: ignore[arg-type]  # it reads by readchunk

    def set_exception(self, *words: Any) -> None:
        """The response was closed, or released, before its end was read."""
        self._inner.set_exception(*words)
        self._beside(ended=self._inner.at_eof())

    async def _heard(self, reading: Any) -> Any:
        try:
            piece = await reading
        except BaseException:
            await self._done(ended=False)
            raise
        self._talk.hear(piece[0] if isinstance(piece, tuple) else piece)
        if self._inner.at_eof():
            await self._done(ended=True)
        return piece

    async def _done(self, *, ended: bool) -> None:
        if not self._settled:
            self._settled = True
            await self._settle(self._talk, ended=ended)

    def _beside(self, *, ended: bool) -> None:
        if not self._settled:
            self._settled = True
            self._settle_beside(self._talk, ended=ended)
