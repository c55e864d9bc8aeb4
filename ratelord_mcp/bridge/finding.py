"""Where the one daemon may be: what was said, what was noted, where it is by default."""

from __future__ import annotations

import os
import stat
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from ratelord import DaemonUnreachable, RatelordError, RequestRefused, UpstreamError
from ratelord.connection import Connection, patience, resolve

PROBE_SECONDS = 1.0


class Note(msgspec.Struct, frozen=True):
    """Where a daemon that was started in the background listens."""

    url: str
    pid: int


def note_path() -> Path:
    """The note's place: a folder of this user that a restart of the machine empties, where there
    is one; else the folder of the data."""
    from platformdirs import (  # noqa: PLC0415 - not before the host is greeted
        user_data_path,
        user_runtime_path,
    )

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # its own substitute is a folder that others may have made
        try:
            folder = user_runtime_path("ratelord")
        except UserWarning:
            folder = user_data_path("ratelord")
    return folder / "daemon.json"


def write_note(note: Note, path: Path) -> None:
    """Leave the note for the processes that come later."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(msgspec.json.encode(note))
    draft.replace(path)


def read_note(path: Path) -> Note | None:
    """The note, if there is one that can be trusted: written by this user, about this machine."""
    try:
        if not _ours(path.parent) or not _ours(path):
            return None
        note = msgspec.json.decode(path.read_bytes(), type=Note)
        local = Connection(note.url).local
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    return note if local else None


def places(url: str | None, token: str | None, note: Path) -> list[Connection]:
    """The connections to try, best first. One that was named is the only one; else it is where the
    note says, and where a daemon with these settings would listen."""
    if is_named(url):
        return [resolve(url, None, token)]
    found = read_note(note)
    noted = [] if found is None else [resolve(found.url, None, token)]
    return [*noted, *(place for place in _usual(token) if place not in noted)]


def check_names(url: str | None, token: str | None) -> None:
    """Raise ``ValueError`` for an address, port, token or timeout that cannot be one: whoever wrote
    it should hear of it at once, and not with every question."""
    resolve(url, None, token)
    patience()
    if not is_named(url):
        _usual(token)


def _usual(token: str | None) -> list[Connection]:
    """Where a daemon with these settings would listen, if that can be known."""
    port = os.environ.get("RATELORD_PORT", "8090")
    return [] if port == "0" else [resolve(f"http://127.0.0.1:{port}", None, token)]


def is_named(url: str | None) -> bool:
    """Whether somebody said where the daemon is: then it is theirs to start."""
    variables = ("RATELORD_URL", "RATELORD_SOCKET")
    return url is not None or any(os.environ.get(name) for name in variables)


def answers(place: Connection) -> bool:
    """Whether a ratelord daemon answers there, be it only to ask for a token."""
    from ratelord import Client  # noqa: PLC0415 - not before the host is greeted

    with Client(place.url, socket=place.socket, token=place.token, timeout=PROBE_SECONDS) as client:
        try:
            return "risk_score" in client.health()
        except DaemonUnreachable:
            return False
        except RequestRefused as error:
            return error.status in (401, 403) and not error.code.startswith("http_")
        except UpstreamError as error:
            return bool(error.upstream_code)
        except RatelordError:
            return False


def seek(
    tried: Callable[[], Iterable[Connection]], start: Callable[[], Connection] | None
) -> Connection:
    """The first place where a daemon answers, else where one was started.

    Raises ``DaemonUnreachable`` with the next step.
    """
    names = []
    for place in tried():
        if answers(place):
            return place
        names.append(place.where)
    if start is not None:
        return start()
    where = f" at {' or '.join(names)}" if names else ""
    raise DaemonUnreachable(f"no daemon{where}; start one with: ratelord up")


def _ours(path: Path) -> bool:
    if sys.platform == "win32":
        return True  # the folder is below the user's profile, which others cannot write
    found = path.lstat()
    others_write = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return found.st_uid == os.getuid() and not stat.S_ISLNK(found.st_mode) and not others_write
