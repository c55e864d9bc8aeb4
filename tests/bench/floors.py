"""The two floors: what answering at all costs, and what answering after a durable write costs.

Run as ``python floors.py echo|durable PORT FILE``: one uvicorn worker with uvloop and httptools.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

FILE_SIZE = 16 << 20
"""The file is written in full beforehand and then over again, as a write-ahead log is."""


class SyncedFile:
    """Appends for many callers, one ``fdatasync`` for all that wait; whoever wrote is told after."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.pwrite(self._file, bytes(FILE_SIZE), 0)
        os.fsync(self._file)
        self._offset = 0
        self._waiting: queue.SimpleQueue[tuple[asyncio.Future[None], bytes] | None]
        self._waiting = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def append(self, data: bytes) -> asyncio.Future[None]:
        """Done when the data is on the disk."""
        done = self._loop.create_future()
        self._waiting.put((done, data))
        return done

    def close(self) -> None:
        """Write what waits, then let go of the file."""
        self._waiting.put(None)
        self._thread.join()
        os.close(self._file)

    def _write(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while not self._waiting.empty():
                batch.append(self._waiting.get())
            entries = [entry for entry in batch if entry is not None]
            if entries:
                self._commit(b"".join(data for _, data in entries))
                self._loop.call_soon_threadsafe(_tell, [done for done, _ in entries])
            if None in batch:
                return

    def _commit(self, data: bytes) -> None:
        if self._offset + len(data) > FILE_SIZE:
            self._offset = 0
        os.pwrite(self._file, data, self._offset)
        os.fdatasync(self._file)
        self._offset += len(data)


def _tell(waiting: list[asyncio.Future[None]]) -> None:
    for done in waiting:
        if not done.done():
            done.set_result(None)


def echo() -> Starlette:
    """Floor E."""

    async def answer(request: Request) -> JSONResponse:
        return JSONResponse(await request.json())

    return Starlette(routes=[Route("/v1/intent", answer, methods=["POST"])])


def durable(path: Path) -> Starlette:
    """Floor D."""

    @asynccontextmanager
    async def life(app: Starlette):
        app.state.file = SyncedFile(path)
        yield
        app.state.file.close()

    async def answer(request: Request) -> JSONResponse:
        body = await request.body()
        await request.app.state.file.append(body)
        return JSONResponse(await request.json())

    return Starlette(routes=[Route("/v1/intent", answer, methods=["POST"])], lifespan=life)


if __name__ == "__main__":
    kind, port, file = sys.argv[1:]
    uvicorn.run(
        echo() if kind == "echo" else durable(Path(file)),
        port=int(port),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
