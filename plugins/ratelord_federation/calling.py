"""A follower's side: one request for each message, over connections that are kept."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

import httpx2
import msgspec

from ratelord_core.errors import (
    LeaderMoved,
    NobodyThere,
    PeerFailed,
    TooLarge,
    TooLate,
    TransportFailed,
    TurnedAway,
)
from ratelord_core.model.instant import Micros, to_seconds
from ratelord_core.transport import MAX_BODY, Address, check_message

PATH: Final = "/v1/federation/"
REST: Final = 30.0
"""Seconds that a connection is kept between two messages."""
_NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class Moved(msgspec.Struct):
    """What is read of a 421: where the leader is."""

    leader: str = ""


class HttpLink:
    """A way to one address. ``near``: no other proxy stands before this machine."""

    def __init__(
        self,
        address: Address,
        credential: str | None,
        trusted: ssl.SSLContext | None,
        *,
        near: bool,
    ) -> None:
        self._address = address
        self._headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if credential is not None:
            self._headers["authorization"] = f"Bearer {credential}"
        self._trusted = trusted
        self._near = near
        self._http: httpx2.AsyncClient | None = None
        self._calls: set[asyncio.Task[bytes]] = set()
        self._closed = False

    def __repr__(self) -> str:
        return f"HttpLink({self._address})"

    async def call(self, topic: str, body: bytes, within: Micros) -> bytes:
        """The reply."""
        check_message(topic, body)
        if self._closed:
            raise NobodyThere(
                f"the link to {self._address} is closed; open another", may_have_acted=False
            )
        if within <= 0:
            raise TooLate("the deadline had passed before it was sent", may_have_acted=False)
        task = asyncio.ensure_future(self._exchanged(topic, body, within))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        try:
            return await task
        except asyncio.CancelledError:
            if self._closed and (caller := asyncio.current_task()) and not caller.cancelling():
                raise NobodyThere(f"the link to {self._address} was closed") from None
            task.cancel()
            await asyncio.wait({task})
            raise

    async def aclose(self) -> None:
        """Give up what is being asked, and let go of the connections."""
        self._closed = True
        calls = [task for task in self._calls if not task.done()]
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def _exchanged(self, topic: str, body: bytes, within: Micros) -> bytes:
        try:
            async with asyncio.timeout(to_seconds(within)):
                return await self._exchange(topic, body)
        except TimeoutError:
            raise TooLate(
                f"{self._address} did not answer within {to_seconds(within):g} s"
            ) from None
        except httpx2.HTTPError as error:
            sent = not isinstance(error, _NEVER_SENT)
            raise NobodyThere(
                f"nobody answers at {self._address} ({_said(error)}); is it started there?",
                may_have_acted=sent,
            ) from None

    async def _exchange(self, topic: str, body: bytes) -> bytes:
        url = self._address.text.rstrip("/") + PATH + topic
        http = self._client()
        async with http.stream("POST", url, headers=self._headers, content=body) as response:
            reply = bytearray()
            async for piece in response.aiter_raw():
                reply += piece
                if len(reply) > MAX_BODY:
                    raise TooLarge(f"the reply is over {MAX_BODY} bytes")
        if response.status_code != 200:
            raise self._failure(response, bytes(reply))
        return bytes(reply)

    def _failure(self, response: httpx2.Response, reply: bytes) -> TransportFailed:
        """What the status means; of what the peer wrote only the leader's place is believed."""
        status = response.status_code
        if status in {401, 403}:
            return TurnedAway(
                f"{self._address} does not take our credential; both sides need the same one"
            )
        if status == 413:
            return TooLarge(f"the message is too long for {self._address}", may_have_acted=False)
        if status == 421:
            return LeaderMoved(_leader(reply))
        if status == 507:
            return TooLarge(f"the reply of {self._address} is over {MAX_BODY} bytes")
        return PeerFailed(f"{self._address} could not answer (HTTP {status}); see its log")

    def _client(self) -> httpx2.AsyncClient:
        if self._http is None:
            self._http = httpx2.AsyncClient(
                timeout=None,
                trust_env=not self._near,
                follow_redirects=False,
                limits=httpx2.Limits(
                    max_connections=256, max_keepalive_connections=32, keepalive_expiry=REST
                ),
                # Authorities are only looked up where they are asked: it takes a third of a second.
                verify=self._trusted if self._trusted is not None else False,
            )
        return self._http


def _leader(reply: bytes) -> str:
    try:
        return msgspec.json.decode(reply, type=Moved).leader
    except msgspec.MsgspecError:
        return ""


def _said(error: Exception) -> str:
    """What went wrong, in the library's words: they hold an address at most, unless it would not
    send the headers."""
    if isinstance(error, httpx2.LocalProtocolError):
        return type(error).__name__
    return " ".join(str(error).split()) or type(error).__name__
