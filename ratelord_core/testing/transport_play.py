"""What tests of transports are played with: both sides, peers that behave in some way, and a look
at what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from ratelord_core.errors import NobodyThere, SettingsError, TransportFailed
from ratelord_core.model.instant import MINUTE, SECOND
from ratelord_core.transport import Address, Answer, Link, Served, Transport

SOON: Final = SECOND // 5
"""For what is not answered."""
AMPLE: Final = 2 * MINUTE
"""For what is, on a busy machine too."""
MANY: Final = 32
CANARY: Final = "s3cret-canary"
_SOCKETS: Final = Path("/proc/self/fd")
_LOOKS: Final = 3000
"""Looks at what is still open, a hundredth of a second apart."""


async def echo(topic: str, body: bytes) -> bytes:
    """The topic, a space and the body."""
    return topic.encode() + b" " + body


async def for_ever(_topic: str, _body: bytes) -> bytes:
    """Never answers."""
    await asyncio.Event().wait()
    return b""


@contextlib.asynccontextmanager
async def pair(
    transport: Transport, place: str, answer: Answer
) -> AsyncIterator[tuple[Link, Served]]:
    """Both sides; afterwards both are closed."""
    served = await transport.serve(Address(place), answer)
    link = transport.connect(served.address)
    try:
        yield link, served
    finally:
        await link.aclose()
        await served.aclose()


@contextlib.asynccontextmanager
async def unanswered(
    transport: Transport, place: str
) -> AsyncIterator[tuple[Link, Served, asyncio.Future[bytes]]]:
    """Both sides, and a call that has arrived and is never answered; other calls get an echo."""
    begun = asyncio.Event()

    async def begin(topic: str, body: bytes) -> bytes:
        begun.set()
        return await (for_ever if body == b"hang" else echo)(topic, body)

    async with pair(transport, place, begin) as (link, served):
        call = asyncio.ensure_future(link.call("grant", b"hang", AMPLE))
        await begun.wait()
        yield link, served, call


def hearing(heard: list[bytes]) -> Answer:
    async def hear(_topic: str, body: bytes) -> bytes:
        heard.append(body)
        return body

    return hear


async def serving_again(transport: Transport, address: Address) -> Served:
    """Reachable at a place that was given up; others on this machine may have it for a moment."""
    for _ in range(_LOOKS):
        with contextlib.suppress(NobodyThere):
            return await transport.serve(address, echo)
        await asyncio.sleep(0.01)
    raise AssertionError(f"nobody can serve at {address} any more")


async def insisting(link: Link, body: bytes) -> bytes:
    """The reply, from a peer that has just come back: a broker may need a moment to know."""
    for _ in range(_LOOKS):
        with contextlib.suppress(NobodyThere):
            return await link.call("grant", body, AMPLE)
        await asyncio.sleep(0.01)
    raise AssertionError("the peer came back, and the link does not find it")


async def said_of(transport: Transport, text: str) -> str:
    """What is said of an address with a credential in it, be it used or refused."""
    scheme, _, rest = text.partition("://")
    address = Address(f"{scheme}://user:{CANARY}@{rest}")
    try:
        link = transport.connect(address)
    except SettingsError as error:
        return repr(error)
    try:
        await link.call("grant", b"", AMPLE)
    except TransportFailed as error:
        return f"{address!r} {link!r} {error!r}"
    finally:
        await link.aclose()
    return f"{address!r} {link!r}"


def run(play: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Play it, and see that it leaves nothing behind: no task, and no socket."""

    async def watched() -> None:
        sockets = _sockets()
        await play()
        for _ in range(_LOOKS):  # what was closed ends in the next turns of the loop
            left = asyncio.all_tasks() - {asyncio.current_task()}
            if not left and _sockets() <= sockets:
                return
            await asyncio.sleep(0.01)
        assert not left, "a closed transport leaves no task behind"
        assert _sockets() <= sockets, "a closed transport leaves no socket behind"

    asyncio.run(watched())


def _sockets() -> set[str]:
    """The open sockets of this process, where the system tells them."""
    found = set()
    for place in _SOCKETS.iterdir() if _SOCKETS.is_dir() else ():
        with contextlib.suppress(OSError):  # closed meanwhile
            if (target := str(place.readlink())).startswith("socket:"):
                found.add(target)
    return found
