"""The proxy's server: one socket, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
import uvicorn
import uvloop

from ratelord.capturing.conversation import Names
from ratelord.capturing.speech import Speech
from ratelord_core.errors import SettingsError
from ratelord_proxy.application import Proxy

_READY: Final = "ratelord proxy is listening on"


def serve(
    speech: Speech, names: Names, upstream: str, place: tuple[str, int], *, as_json: bool = False
) -> int:
    """Listen (host and port) and pass on; says on standard output where, and ends in good order
    at SIGINT and SIGTERM."""
    listener = _listener(*place)
    # Accepted sockets inherit it: else a body waits 40 ms until its head is acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_live(Proxy(speech, names, upstream), listener, as_json=as_json))
    return 0


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port} ({error.strerror}); give another --listen"
        ) from None


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn would raise them again, and the process die of them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _live(proxy: Proxy, listener: socket.socket, *, as_json: bool) -> None:
    config = uvicorn.Config(
        proxy.application,
        log_level="critical",  # what breaks off is said in our own words
        access_log=False,
        lifespan="off",
        http="httptools",
        ws="none",
        proxy_headers=False,  # who is before it is nobody's concern here
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=30,
        # Longer than clients keep theirs: nobody sends a call into a connection that just closes.
        timeout_keep_alive=75,
    )
    server = _Server(config)
    running = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):  # before anybody hears that we are here
        running.add_signal_handler(name, _stop, server)
    place, port = listener.getsockname()[:2]
    shown = f"[{place}]" if ":" in place else place
    url = f"http://{shown}:{port}"
    line = msgspec.json.encode({"listening": url}).decode() if as_json else f"{_READY} {url}"
    gc.collect()
    gc.freeze()  # what was loaded stays: no call waits until it was looked through
    print(line, flush=True)
    looking = running.create_task(proxy.look_ahead(), name="look ahead")
    await server.serve([listener])
    looking.cancel()
    await proxy.aclose()


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True
