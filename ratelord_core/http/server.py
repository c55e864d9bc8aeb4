"""Serving the door: uvicorn with uvloop and httptools, started and stopped by the daemon.

Signals are the daemon's; the server installs no handlers of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, Protocol, cast

import uvicorn

from ratelord_core.doors import Receive, Scope, Send
from ratelord_core.errors import SettingsError
from ratelord_core.http.express_protocol import ExpressProtocol
from ratelord_core.http.listeners import address_of, listen_tcp, listen_unix

GRACE: Final = 10.0
"""Seconds that a stop leaves to requests under way."""


class Application(Protocol):
    """What can be served: the door, which ends its streams when it is closed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        ...

    def close(self) -> None:
        """End what would otherwise go on for ever."""
        ...

    async def finish(self) -> None:
        """Return when nothing of it runs any more."""
        ...


class Server:
    """A running HTTP server. ``host`` and ``port`` are where it really listens."""

    def __init__(
        self,
        door: Application,
        inner: _Inner,
        listeners: list[socket.socket],
        socket_path: Path | None,
    ) -> None:
        self.host, self.port = address_of(listeners[0])
        self.socket_path = socket_path
        self._door = door
        self._inner = inner
        self._listeners = listeners
        self._running: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where a client on this machine finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 (compared)
        scheme = "https" if self._inner.config.is_ssl else "http"
        return (
            f"{scheme}://[{host}]:{self.port}" if ":" in host else f"{scheme}://{host}:{self.port}"
        )

    async def start(self) -> None:
        """Serve; returns when connections are accepted."""
        self._running = asyncio.create_task(self._inner.serve(self._listeners), name="http")
        ready = asyncio.create_task(self._inner.ready.wait())
        await asyncio.wait((self._running, ready), return_when="FIRST_COMPLETED")
        ready.cancel()
        if self._running.done():
            self._running.result()
            raise RuntimeError("the HTTP server ended while it started")

    async def stop(self) -> None:
        """Take no new connections, end the streams, let requests finish, then hang up."""
        self._door.close()
        self._inner.should_exit = True
        if self._running is not None:
            await self._running
        await self._door.finish()
        if self.socket_path is not None:
            self.socket_path.unlink(missing_ok=True)


async def serve(
    door: Application,
    *,
    host: str = "127.0.0.1",
    port: int = 8090,
    socket_path: Path | None = None,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    grace: float = GRACE,
) -> Server:
    """Start serving; port 0 takes a free one (``Server.port``).

    Raises ``SettingsError`` in one line: a port or path that is taken, a host that is not here, a
    certificate that cannot be used.
    """
    config = _config(door, tls_cert, tls_key, grace)
    listeners = [listen_tcp(host, port)]
    try:
        if socket_path is not None:
            listeners.append(listen_unix(socket_path))
        server = Server(door, _Inner(config), listeners, socket_path)
        await server.start()
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    return server


class _Inner(uvicorn.Server):
    """uvicorn's server, which tells when it is ready and leaves signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _config(
    door: Application, tls_cert: Path | None, tls_key: Path | None, grace: float
) -> uvicorn.Config:
    config = uvicorn.Config(
        cast("Any", door),  # uvicorn types a scope as one of its own; the door takes any mapping
        http=ExpressProtocol,
        loop="none",
        ws="none",
        lifespan="off",
        interface="asgi3",
        # Requests are logged by the door, with their ids and without their secrets.
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(grace)),
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError, ValueError) as error:
        raise SettingsError(f"certificate {tls_cert} with key {tls_key}: {error}") from error
    return config
