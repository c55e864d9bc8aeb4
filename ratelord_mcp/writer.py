"""Writing to a descriptor whose reader may be slow, or never read again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from queue import SimpleQueue


class Writer:
    """Writes in a thread of its own, one piece after the other, so that a slow reader holds up
    nothing but what is written to it; a process that ends does not wait for that thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pieces: SimpleQueue[tuple[bytes, asyncio.Future[None]]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def write(self, data: bytes) -> None:
        """Return when all of it is written; ``OSError`` if nobody takes it any more. Whoever is
        cancelled meanwhile goes; what was given is written all the same."""
        written = asyncio.get_running_loop().create_future()
        self._pieces.put((data, written))
        if self._thread is None:
            self._thread = threading.Thread(target=self._go_on, name="stdout", daemon=True)
            self._thread.start()
        await written

    def _go_on(self) -> None:
        while True:
            data, written = self._pieces.get()
            try:
                self._write_all(data)
            except OSError as error:
                _tell(written, error)
            else:
                _tell(written, None)

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]


def _tell(written: asyncio.Future[None], error: OSError | None) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody wants to know
        written.get_loop().call_soon_threadsafe(_settle, written, error)


def _settle(written: asyncio.Future[None], error: OSError | None) -> None:
    if written.done():
        return
    if error is None:
        written.set_result(None)
    else:
        written.set_exception(error)
