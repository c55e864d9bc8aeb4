"""The proxy's server: one socket, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from typing import Final

import msgspec
import uvloop

from ratelord.capturing.conversation import Names
from ratelord.capturing.speech import Speech
from ratelord_core.errors import SettingsError
from ratelord_core.inbound import Bounds, Server, allow_open_files, listener, serving
from ratelord_proxy.application import Proxy

MOST: Final = 2000
"""Connections at once: twice as many as there may be to the provider, as clients keep some that
they do not use. Fewer where the system allows fewer files."""
_FILES_OF_A_CALL: Final = 3
"""The caller's connection, the provider's, and at times one to the daemon."""
_READY: Final = "ratelord proxy is listening on"


def serve(
    speech: Speech, names: Names, upstream: str, place: tuple[str, int], *, as_json: bool = False
) -> int:
    """Listen (host and port) and pass on; says on standard output where, and ends in good order
    at SIGINT and SIGTERM."""
    try:
        taken = listener(*place)
    except OSError as error:
        host, port = place
        raise SettingsError(
            f"cannot listen on {host}:{port} ({error.strerror}); give another --listen"
        ) from None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_live(Proxy(speech, names, upstream), taken, as_json=as_json))
    return 0


async def _live(proxy: Proxy, taken: socket.socket, *, as_json: bool) -> None:
    files = allow_open_files(MOST * _FILES_OF_A_CALL)
    bounds = Bounds(max(1, files // _FILES_OF_A_CALL))
    server = serving(proxy.application, bounds, grace=30, refusal=proxy.refusal)
    running = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):  # before anybody hears that we are here
        running.add_signal_handler(name, _stop, server)
    place, port = taken.getsockname()[:2]
    shown = f"[{place}]" if ":" in place else place
    url = f"http://{shown}:{port}"
    line = msgspec.json.encode({"listening": url}).decode() if as_json else f"{_READY} {url}"
    gc.collect()
    gc.freeze()  # what was loaded stays: no call waits until it was looked through
    print(line, flush=True)
    looking = running.create_task(proxy.look_ahead(), name="look ahead")
    await server.serve([taken])
    looking.cancel()
    await proxy.aclose()


def _stop(server: Server) -> None:
    server.should_exit = True
