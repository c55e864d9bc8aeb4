"""A daemon in the background, started by whoever needs it first, staying when they leave."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from platformdirs import user_data_path

from ratelord import DaemonUnreachable
from ratelord.connection import DEFAULT_URL, Connection, resolve
from ratelord_core.cli.daemon_process import ANNOUNCEMENT
from ratelord_mcp.bridge.finding import Note, write_note

PATIENCE: Final = 15.0
"""Seconds until a daemon that was started must be ready: no tool may block for 20."""
_ADDRESS: Final = re.compile(re.escape(ANNOUNCEMENT) + r"(\S+)\s")
_LARGEST_LOG: Final = 4 * 1024 * 1024


class Starter:
    """Starts this user's daemon, one process at a time on the whole machine.

    ``found`` looks whether one is there by now; ``note`` is where its address is left. The log is
    ``daemon.log`` in the folder of the data.
    """

    def __init__(
        self,
        found: Callable[[], Connection | None],
        note: Path,
        *,
        token: str | None = None,
        folder: Path | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._found = found
        self._note = note
        self._token = token
        self._folder = folder or user_data_path("ratelord")
        self._patience = patience
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the daemon writes."""
        return self._folder / "daemon.log"

    def __call__(self) -> Connection:
        """Where the daemon is now. Raises ``DaemonUnreachable`` that names the log."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with FileLock(self._folder / "starting.lock", timeout=self._patience):
                return self._found() or self._start()
        except Timeout:
            raise DaemonUnreachable(
                f"another process is starting the daemon and does not get ready; see {self.log}"
            ) from None
        except OSError as error:
            raise DaemonUnreachable(f"the daemon cannot be started: {error}") from error

    def _start(self) -> Connection:
        if self.log.exists() and self.log.stat().st_size > _LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            start = log.tell()
            self._child = _launch(self._folder, log.fileno())
        url = self._announced(self._child, start)
        write_note(Note(url, self._child.pid), self._note)
        return resolve(url, None, self._token)

    def _announced(self, child: subprocess.Popen[bytes], start: int) -> str:
        ends = time.monotonic() + self._patience
        while time.monotonic() < ends:
            ended = child.poll() is not None
            said = self.log.read_bytes()[start:].decode("utf-8", "replace")
            found = _ADDRESS.search(said)
            if found:
                return found.group(1)
            if ended:
                raise DaemonUnreachable(f"the daemon ended at once: {_last_line(said)}")
            time.sleep(0.02)
        child.terminate()  # half a daemon would hold the log against the next one
        raise DaemonUnreachable(
            f"the daemon did not get ready in {self._patience:g} s; see {self.log}"
        )


def _launch(folder: Path, log: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ratelord_core.cli", "up"]
    if _is_taken(DEFAULT_URL) and not os.environ.get("RATELORD_PORT"):
        command += ["--port", "0"]
    environment = {k: v for k, v in os.environ.items() if k != "RATELORD_TOKEN"}
    return subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
        command,
        cwd=folder,  # a policy.yaml of whatever folder the host runs in is not everybody's
        env=environment | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        **_apart(),
    )


def _apart() -> dict[str, Any]:
    """Out of our terminal and process group: what ends us must not end the daemon."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
        return {"creationflags": flags}
    return {"start_new_session": True}


def _is_taken(url: str) -> bool:
    """Whether something, which is no daemon of ours, listens at the default address."""
    parts = urlsplit(url)
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((parts.hostname or "127.0.0.1", parts.port or 80)) == 0


def _last_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1].removeprefix("ratelord: ") if lines else "it said nothing"
