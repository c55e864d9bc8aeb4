"""Where the daemon is and how to prove who is calling: arguments first, then the environment."""

from __future__ import annotations

import math
import os
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

DEFAULT_URL = "http://127.0.0.1:8090"
DEFAULT_TIMEOUT = 5.0
LONGEST_TIMEOUT = 3600.0


class Connection(msgspec.Struct, frozen=True):
    """An address and a token. ``socket`` (a path) beats ``url``; the token is never shown."""

    url: str = DEFAULT_URL
    socket: str | None = None
    token: str | None = None

    def __repr__(self) -> str:
        return f"Connection({self.where!r}, token={'…' if self.token else None!r})"

    @property
    def where(self) -> str:
        """The address in words fit for a message."""
        return f"unix:{self.socket}" if self.socket else self.url

    @property
    def local(self) -> bool:
        """Whether the daemon is on this machine, so that no proxy may stand between."""
        if self.socket:
            return True
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def resolve(
    url: str | None = None, socket: str | None = None, token: str | None = None
) -> Connection:
    """The connection that the arguments, else ``RATELORD_URL``, ``RATELORD_SOCKET`` and
    ``RATELORD_TOKEN``, describe.

    ``RATELORD_URL`` beats ``RATELORD_SOCKET``: the first is for clients, the second is shared with
    the daemon. Raises ``ValueError`` for what cannot be an address or a token.
    """
    if url is None and socket is None:
        url = os.environ.get("RATELORD_URL") or None
        socket = None if url else os.environ.get("RATELORD_SOCKET") or None
    if token is None:
        token = os.environ.get("RATELORD_TOKEN") or None
    return Connection(_address(url or DEFAULT_URL), socket, _token(token))


def patience(timeout: float | None = None) -> float:
    """Seconds that the daemon has for all attempts of one call together: as given, else as
    ``RATELORD_TIMEOUT`` says, else five. Raises ``ValueError`` for what is no such time."""
    said: object = os.environ.get("RATELORD_TIMEOUT") if timeout is None else timeout
    if said is None or said == "":
        return DEFAULT_TIMEOUT
    try:
        seconds = float(str(said))
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= LONGEST_TIMEOUT:
        name = "RATELORD_TIMEOUT" if timeout is None else "timeout"
        raise ValueError(
            f"{name} {str(said)[:40]!r} is no time to wait for the daemon; "
            f"write seconds above 0 and at most {LONGEST_TIMEOUT:g}, like {DEFAULT_TIMEOUT:g}"
        )
    return seconds


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        shown = url.rpartition("@")[2]
        raise ValueError(
            f"RATELORD_URL {shown!r} is not an address; write it like {DEFAULT_URL}"
        ) from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("RATELORD_URL must not hold a password; put the token in RATELORD_TOKEN")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _token(token: str | None) -> str | None:
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise ValueError("RATELORD_TOKEN holds spaces or unprintable characters; copy it again")
    return token
