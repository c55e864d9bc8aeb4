"""What a plugin needs in order to carry messages between two daemons: a follower and its leader.

A transport knows how one system carries a message and brings the reply (HTTP, a broker, a socket).
It knows nothing of what is said: topics are names, bodies are bytes. Who is asked, what is done
when nobody answers, and where the leader is by now, are not its business either: a link leads to
one address, and a leader that moved is reached by another link.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final, Protocol
from urllib.parse import urlsplit

import msgspec

from ratelord_core.errors import SettingsError, TooLarge
from ratelord_core.model.instant import Micros

MAX_BODY: Final = 262_144
"""Bytes of a message, and of a reply. Less than any system in use carries at most."""
_TOPIC: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_LAST_AT: Final = re.compile(r"(?<=://).*@", re.DOTALL)

Answer = Callable[[str, bytes], Awaitable[bytes]]
"""What gives the reply to a topic and a body. It may raise ``LeaderMoved``, which whoever asked
gets; of anything else that it raises they only learn that the peer failed."""


class Address(msgspec.Struct, frozen=True):
    """Where a daemon is, as ``scheme://…``. It may hold a credential, so nothing that is printed
    shows ``text`` itself."""

    text: str

    @property
    def scheme(self) -> str:
        """What stands before the colon, in lower case; empty if nothing does."""
        return self.text.partition("://")[0].lower() if "://" in self.text else ""

    @property
    def shown(self) -> str:
        """The address without whatever may be secret: for people, logs and errors."""
        if not self.scheme:
            return "an address without a scheme"
        named = _LAST_AT.sub("", self.text)  # first of all: a password may have any sign in it
        return named.partition("?")[0].partition("#")[0]

    @property
    def may_tell(self) -> bool:
        """Whether it may hold something secret."""
        return any(sign in self.text for sign in "@?#")

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    def __str__(self) -> str:
        return self.shown


class Security(msgspec.Struct, frozen=True):
    """How a transport keeps strangers out.

    ``credential`` is what followers show and a leader asks for; ``certificate`` and ``key`` are
    files (PEM) that prove who serves, ``authority`` is one that has signed what a peer proves.
    ``insecure`` allows what others on the network could read or use.
    """

    credential: str | None = None
    certificate: str = ""
    key: str = ""
    authority: str = ""
    insecure: bool = False

    def __repr__(self) -> str:
        shown = "None" if self.credential is None else "'***'"
        return f"Security(credential={shown}, insecure={self.insecure})"


class Link(Protocol):
    """A follower's way to one address."""

    async def call(self, topic: str, body: bytes, within: Micros) -> bytes:
        """The reply, if it comes within so many µs. Raises one of the kinds of ``TransportFailed``,
        after which the link can still be used: a peer that comes back is found again. Cancelled, it
        gives up at once."""
        ...

    async def aclose(self) -> None:
        """Let go of all connections. Twice is once; a call afterwards raises ``NobodyThere``."""
        ...


class Served(Protocol):
    """A place at which a daemon can be reached."""

    @property
    def address(self) -> Address:
        """Where others reach it: what was asked for, made definite."""
        ...

    async def aclose(self) -> None:
        """Take no more messages, and return when none is being answered: what is not answered
        within moments is broken off. Twice is once."""
        ...


class Transport(Protocol):
    """One way of carrying messages. Its objects belong to one running loop."""

    def connect(self, address: Address) -> Link:
        """A link to that address; nothing is sent yet. Raises ``SettingsError`` for an address that
        it cannot read, or to which a credential must not be sent."""
        ...

    async def serve(self, address: Address, answer: Answer) -> Served:
        """Be reachable there, and answer many messages at once. Raises ``SettingsError`` for an
        address that it cannot read or that strangers could use, and ``NobodyThere`` if the place
        cannot be had."""
        ...


class TransportFactory(Protocol):
    """Builds one kind of transport; ``schemes`` are those of the addresses that it knows, in lower
    case."""

    name: str
    schemes: tuple[str, ...]

    def build(self, security: Security) -> Transport:
        """A transport. Quick, and without I/O."""
        ...


def check_message(topic: str, body: bytes) -> None:
    """Raises ``ValueError`` for a topic that is no name, and ``TooLarge`` for a long body. Every
    link calls it before anything is sent."""
    if not _TOPIC.fullmatch(topic):
        raise ValueError(f"a topic is lower-case letters, digits and hyphens, not {topic!r}")
    if len(body) > MAX_BODY:
        raise TooLarge(
            f"the message has {len(body)} bytes; {MAX_BODY} can be carried", may_have_acted=False
        )


def host_and_port(address: Address, example: str) -> tuple[str, int]:
    """Both of an address that has both. Raises ``SettingsError``."""
    try:
        parts = urlsplit(address.text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None:
        raise SettingsError(f"the address {address} names no host and port; give {example}")
    return host, port
