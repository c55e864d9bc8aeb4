"""Any ASGI application behind a real socket on this machine, for what only a socket can show."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import uvicorn

_DEADLINE_SECONDS = 60.0
_REST_SECONDS = 600
"""Longer than any client keeps a connection that rests: none is closed just when it is used."""


class LoopbackServer:
    """Serves an application on a free port of 127.0.0.1 (``url``) until the block ends. With
    ``dates`` off, what an answer says of the time is the application's to say."""

    def __init__(self, app: Any, *, dates: bool = True) -> None:
        self._app = app
        self._dates = dates
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        import uvicorn  # noqa: PLC0415 - a server is loaded only by tests that need one

        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            self._app,
            log_level="critical",
            lifespan="off",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=_REST_SECONDS,
            date_header=self._dates,
        )
        self._server = uvicorn.Server(config)
        self._socket.listen(128)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_DEADLINE_SECONDS)
        self._socket.close()
