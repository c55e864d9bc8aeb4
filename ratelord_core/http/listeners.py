"""The sockets the daemon listens on: bound before anything is served, or refused in one line."""

from __future__ import annotations

import errno
import socket
import stat
from pathlib import Path

from ratelord_core.errors import SettingsError

BACKLOG = 2048
_KEEPALIVE = (
    ("TCP_KEEPIDLE", 60),
    ("TCP_KEEPINTVL", 15),
    ("TCP_KEEPCNT", 4),
    ("TCP_USER_TIMEOUT", 90_000),
)
"""Seconds of silence before the first probe, between probes, how many probes; milliseconds that
sent bytes may stay unconfirmed."""


def listen_tcp(host: str, port: int) -> socket.socket:
    """A bound TCP socket; port 0 takes a free one. ``SettingsError`` if it cannot be had."""
    if not 0 <= port <= 65535:
        raise SettingsError(f"port {port} is no port; choose one from 0 to 65535 with --port")
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            f"host {host!r} is no address of this machine ({error}); choose another with --host"
        ) from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _notice_the_dead(listener)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(_why_not(host, port, error)) from error
    listener.setblocking(False)
    return listener


def listen_unix(path: Path) -> socket.socket:
    """A bound Unix socket that only this user may open; a dead one in its place is replaced."""
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        # Nobody can connect before listen(), so the mode is right in time.
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"socket {path}: {error.strerror or error}; choose another path"
        ) from error
    listener.setblocking(False)
    return listener


def address_of(listener: socket.socket) -> tuple[str, int]:
    """Host and port that a TCP socket is bound to."""
    host, port = listener.getsockname()[:2]
    return str(host), int(port)


def _notice_the_dead(listener: socket.socket) -> None:
    """End connections whose other end vanished without a word. Accepted ones inherit this, and a
    stream that only ever sends could not notice by itself."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):  # each system has some of these
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        taken = f"port {port} on {host} is taken by another program"
        return f"{taken}; stop it or choose another with --port"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} needs privileges; choose one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"host {host!r} is no address of this machine; choose another with --host"
    return f"cannot listen on {host} port {port}: {error}; choose another with --host and --port"


def _clear(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsError(f"socket {path}: {error.strerror}; choose another path") from error
    if not stat.S_ISSOCK(mode):
        raise SettingsError(
            f"socket {path}: something that is no socket is there; choose another path"
        )
    if _answers(path):
        raise SettingsError(
            f"socket {path} is taken by another program; stop it or choose another path"
        )
    path.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
