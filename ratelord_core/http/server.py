"""Serving the door: uvicorn with uvloop and httptools, started and stopped by the daemon.

Signals are the daemon's; the server installs no handlers of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, cast

import uvicorn

from ratelord_core.doors import Receive, Scope, Send
from ratelord_core.http.express_protocol import ExpressProtocol
from ratelord_core.http.limits import USUAL, Limits
from ratelord_core.http.listeners import BACKLOG, address_of, listen_tcp, listen_unix
from ratelord_core.http.tls import TlsFiles, load_again, make_context

HSTS: Final = ("strict-transport-security", "max-age=31536000")
"""On every reply of a daemon that speaks TLS: come back by TLS only, for a year."""
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
        tls: TlsFiles | None,
    ) -> None:
        self.host, self.port = address_of(listeners[0])
        self.socket_path = socket_path
        self._door = door
        self._inner = inner
        self._listeners = listeners
        self._tls = tls
        self._running: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where a client on this machine finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 (compared)
        scheme = "http" if self._tls is None else "https"
        return (
            f"{scheme}://[{host}]:{self.port}" if ":" in host else f"{scheme}://{host}:{self.port}"
        )

    def reload_certificate(self) -> bool:
        """Show what the certificate's files hold now; False without TLS. ``SettingsError`` if they
        cannot be used: the certificate that was in use stays."""
        if self._tls is None or self._inner.context is None:
            return False
        load_again(self._inner.context, self._tls)
        return True

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
    tls: TlsFiles | None = None,
    limits: Limits = USUAL,
    grace: float = GRACE,
) -> Server:
    """Start serving; port 0 takes a free one (``Server.port``).

    Raises ``SettingsError`` in one line: a port or path that is taken, a host that is not here, a
    certificate that cannot be used.
    """
    context = None if tls is None else make_context(tls)
    config = _config(door, limits, grace, secure=tls is not None)
    listeners = [listen_tcp(host, port)]
    try:
        if socket_path is not None:
            listeners.append(listen_unix(socket_path))
        inner = _Inner(config, context, limits.handshake_timeout)
        server = Server(door, inner, listeners, socket_path, tls)
        await server.start()
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    return server


class _Inner(uvicorn.Server):
    """uvicorn's server, which tells when it is ready, leaves signals alone, and speaks TLS where
    the network is: the Unix socket is guarded by its file."""

    def __init__(
        self, config: uvicorn.Config, context: ssl.SSLContext | None, handshake: float
    ) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.context = context
        self._handshake = handshake

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        for listener in sockets or ():
            secure = None if listener.family == socket.AF_UNIX else self.context
            server = await loop.create_server(
                self._connected,
                sock=listener,
                ssl=secure,
                ssl_handshake_timeout=None if secure is None else self._handshake,
                backlog=BACKLOG,
            )
            self.servers = [*getattr(self, "servers", ()), server]
        self.started = True
        self.ready.set()

    def _connected(self) -> asyncio.Protocol:
        kind = cast("Any", self.config.http_protocol_class)  # a protocol, by uvicorn's own types
        made = kind(config=self.config, server_state=self.server_state, app_state={})
        return cast("asyncio.Protocol", made)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _config(door: Application, limits: Limits, grace: float, *, secure: bool) -> uvicorn.Config:
    config = uvicorn.Config(
        cast("Any", door),  # uvicorn types a scope as one of its own; the door takes any mapping
        http=cast("Any", partial(ExpressProtocol, limits=limits)),
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
        timeout_keep_alive=cast("Any", limits.idle_timeout),  # seconds; parts of one will do
        timeout_graceful_shutdown=max(1, round(grace)),
        headers=[HSTS] if secure else [],
    )
    config.load()
    return config
