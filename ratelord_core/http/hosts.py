"""Which Host and Origin may speak to the daemon: the guard against DNS rebinding.

A page on a foreign name that resolves to this machine sends that foreign name; so only names that
are known, and (when listening everywhere) bare addresses, which no DNS answer can fake, may pass.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from ratelord_core.http.problems import HttpRefusal
from ratelord_core.wire.faults import shown

_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
_EVERYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 (compared with, never bound to)
_REMEMBERED: Final = 256


class HostGuard:
    """Lets known hosts and origins pass, with any port or none; ``origins`` pass as they are."""

    def __init__(
        self, bound_host: str, allowed: tuple[str, ...], origins: frozenset[bytes] = frozenset()
    ) -> None:
        names = (*_LOOPBACK, _bracketed(bound_host), *map(_bracketed, allowed))
        self._names = frozenset(name.lower() for name in names)
        self._addresses = bound_host in _EVERYWHERE
        self._pages = origins
        self._hosts: set[bytes] = set()
        self._origins: set[bytes] = set()

    def check(self, headers: dict[bytes, bytes]) -> None:
        """Raise the 403 (or 400 without a Host) if the request comes under a foreign name."""
        host = headers.get(b"host")
        if host not in self._hosts:
            self._check_host(host)
        origin = headers.get(b"origin")
        if origin is not None and origin not in self._origins and origin.lower() not in self._pages:
            self._check_origin(origin)

    def _check_host(self, host: bytes | None) -> None:
        if not host:
            raise HttpRefusal(400, "invalid_host", "no Host header: send one Host header")
        text = host.decode("latin-1").strip()
        if not self._is_known(text):
            raise HttpRefusal(403, "foreign_host", _refusal("Host", text))
        _remember(self._hosts, host)

    def _check_origin(self, origin: bytes) -> None:
        text = origin.decode("latin-1").strip()
        scheme, _, authority = text.partition("://")
        if scheme.lower() not in ("http", "https") or not self._is_known(authority):
            raise HttpRefusal(403, "foreign_origin", _refusal("Origin", text))
        _remember(self._origins, origin)

    def _is_known(self, authority: str) -> bool:
        name = _without_port(authority)
        if name is None:
            return False
        return name in self._names or (self._addresses and _is_address(name))


def _without_port(authority: str) -> str | None:
    name, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        name = authority
    elif port and not (port.isascii() and port.isdigit() and int(port) < 65536):
        return None
    return name.lower().removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _remember(seen: set[bytes], value: bytes) -> None:
    # Bounded, so that endless ports cannot fill the memory.
    if len(seen) < _REMEMBERED:
        seen.add(value)


def _refusal(header: str, text: str) -> str:
    return f"{header} {shown(text)} is foreign here; use localhost, or add it to the allowed hosts"
