"""A daemon in a process of its own, on a folder and a free port: for demonstrations and tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

ANNOUNCEMENT = "ratelord is listening on "
"""The line of standard output, followed by the address, by which a daemon says it is ready."""

_ADDRESS = re.compile(re.escape(ANNOUNCEMENT) + r"(\S+)\s")


class Running(Protocol):
    """What is needed of a process: as ``subprocess.Popen`` has it."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code, or None while it lives."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended."""
        ...

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class DaemonDied(RuntimeError):
    """The daemon ended, or stayed silent, before it announced itself; the message has its log."""


class DaemonProcess:
    """Starts ``ratelord up`` when entered, and ends it, by its own pid, when left.

    ``folder`` holds the database, the policy (if ``policy`` text is given) and the log. ``start``
    after ``stop`` or ``kill`` starts the next daemon on the same files.
    """

    def __init__(
        self,
        folder: Path,
        *,
        policy: str | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        deadline: float = 120.0,
    ) -> None:
        self.folder = folder
        self.db = folder / "ratelord.db"
        self.policy = folder / "policy.yaml"
        self.url = ""
        self._log = folder / "daemon.log"
        self._arguments = list(arguments)
        self._environment = dict(environment or {})
        self._deadline = deadline
        self._process: Running | None = None
        if policy is not None:
            self.policy.write_text(policy, encoding="utf-8")

    def __enter__(self) -> Self:
        return self if self.running else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.running:
            self.stop()

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._alive().pid

    @property
    def log(self) -> str:
        """Everything that the daemons on this folder wrote so far, both streams."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def start(self) -> Self:
        """Start a daemon and wait until it is ready."""
        if self.running:
            raise RuntimeError(f"a daemon with pid {self.pid} is running already; stop it first")
        before = self._log.stat().st_size if self._log.exists() else 0
        self._process = self._begin(self._words(), self._variables(), self._log)
        self.url = self._wait_until_announced(before)
        return self

    def stop(self, timeout: float = 60.0) -> int:
        """Ask it to end (SIGTERM); returns its exit code."""
        self._alive().send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def interrupt(self, timeout: float = 60.0) -> int:
        """Ask it to end as Ctrl-C does (SIGINT); returns its exit code."""
        self._alive().send_signal(signal.SIGINT)
        return self.wait(timeout)

    def reload(self) -> None:
        """Send SIGHUP: read the policy again."""
        self._alive().send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        process = self._alive()
        process.kill()
        process.wait()

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for its end; a daemon that does not end in time is killed, and that is an error."""
        process = self._alive()
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise DaemonDied(
                f"the daemon did not end in {timeout} s; its log:\n{self.log}"
            ) from None

    def _begin(self, words: list[str], variables: dict[str, str], log: Path) -> Running:
        """Start the process, with both streams at the end of the log."""
        with log.open("ab") as file:
            return subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
                [sys.executable, "-m", "ratelord_core.cli", *words],
                cwd=self.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def _alive(self) -> Running:
        if self._process is None:
            raise RuntimeError("no daemon was started; call start() first")
        return self._process

    def _words(self) -> list[str]:
        fixed = ["up", "--port", "0", "--db", str(self.db)]
        if self.policy.exists():
            fixed += ["--policy", str(self.policy)]
        return fixed + self._arguments

    def _variables(self) -> dict[str, str]:
        # Settings of whoever starts it must not leak into it.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("RATELORD_")}
        return inherited | {"PYTHONUNBUFFERED": "1"} | self._environment

    def _wait_until_announced(self, start: int) -> str:
        ends = time.monotonic() + self._deadline
        while time.monotonic() < ends:
            exited = not self.running
            found = _ADDRESS.search(self._log.read_bytes()[start:].decode("utf-8", "replace"))
            if found:
                return found.group(1)
            if exited:
                break
            time.sleep(0.02)
        code = self._process.poll() if self._process else None
        if self._process is not None and code is None:
            self.kill()
        said = f"ended with exit code {code}" if code is not None else "did not get ready"
        raise DaemonDied(f"the daemon {said}; its log:\n{self.log}")
