"""Whom a token is meant for (RFC 8707): made for another address, it is worth nothing here.

An identity's metadata may say ``audience``: addresses, separated by spaces, that its token is for.
``http://127.0.0.1:8090/mcp`` is that path and all below it, ``http://127.0.0.1:8090`` everything.
Without it a token is good at every door of the daemon that made it.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS: Final = {"http": 80, "https": 443}


def is_addressed(audience: tuple[str, ...], host: str, path: str, *, tls: bool) -> bool:
    """Whether a token for these addresses may be used at a path, under that Host header."""
    scheme = "https" if tls else "http"
    here = _place(f"{scheme}://{host}{path}")
    return here is not None and any(_covers(one, here) for one in audience)


def _covers(address: str, here: tuple[str, int, str]) -> bool:
    place = _place(address)
    if place is None or place[:2] != here[:2]:
        return False
    path = place[2].rstrip("/")
    return here[2] == path or here[2].startswith(f"{path}/")


def _place(address: str) -> tuple[str, int, str] | None:
    """Host, port and path of an address; the loopback names are one. None if it is none."""
    try:
        parts = urlsplit(address)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    if not parts.hostname:
        return None
    host = "localhost" if parts.hostname in _LOOPBACK else parts.hostname
    return host, port, parts.path
