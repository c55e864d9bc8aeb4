"""A server of a plugin's own, which says nothing and is told when to stop."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, cast

import uvicorn

from ratelord_core.inbound.connection import BoundedConnection, Bounds, Refusal

REST: Final = 75
"""Seconds that a connection may rest: longer than clients keep theirs, so that none is closed just
when it is used."""


class Server(uvicorn.Server):
    """Leaves the signals to whoever runs the loop, and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured: uvicorn would raise them again, and the process die of them."""
        yield


def serving(
    application: Any, bounds: Bounds, *, grace: int, refusal: Refusal | None = None
) -> Server:
    """A server of this ASGI application, to be run in a loop: ``serve([listener])``. What is being
    answered when it is told to stop has ``grace`` seconds. It says nothing on its own."""
    config = uvicorn.Config(
        application,
        http=cast("Any", partial(BoundedConnection, bounds=bounds, refusal=refusal)),
        log_level="critical",  # what goes wrong is said in its owner's words
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        interface="asgi3",
        proxy_headers=False,  # who is before it is nobody's concern
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=grace,
        timeout_keep_alive=REST,
    )
    config.load()
    return Server(config)


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. Raises ``OSError``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server((host, port), family=family)
    # Accepted sockets inherit it: else a body waits 40 ms until its head is acknowledged.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def allow_open_files(wanted: int) -> int:
    """Raise the number of files that this process may open as far as it may: systems set it low.
    Returns what it may open now, at most what is wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most
