"""``ratelord`` processes that start at once, for whole suites of tests: see ``nursery_process``.

``born`` gives one within ``forking()``, if nothing speaks against it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

EARLY: Final = ("PYTHON", "LD_", "COVERAGE", "LC_", "LANG", "TZ", "OPENBLAS")
"""What is read before a command begins: where it differs, only a fresh process will do."""
LOADED: Final = {"PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}


class Child:
    """A process of the nursery; what of ``subprocess.Popen`` is needed of one."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None
        self._nursery = nursery

    def poll(self) -> int | None:
        """Its exit code (negative: the signal that ended it), or None while it lives."""
        return self._nursery.code_of(self, 0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it ended; ``subprocess.TimeoutExpired`` if it does not in time."""
        code = self._nursery.code_of(self, 1e9 if timeout is None else timeout)
        if code is None:
            raise subprocess.TimeoutExpired(["ratelord"], timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still lives."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ended since
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """Keeps the process that has everything loaded."""

    def __init__(self) -> None:
        self.environment = _without_ours(os.environ) | LOADED
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ratelord_core.testing.nursery_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.environment,
            bufsize=0,
        )
        self._told = b""
        self._born: list[Child] = []
        self._living: dict[int, Child] = {}
        self._lock = threading.RLock()

    def suits(self, environment: Mapping[str, str]) -> bool:
        """Whether a command with this environment may be a fork."""
        mine = self.environment
        differ = {
            name
            for name in {*environment, *mine}
            if name not in LOADED and environment.get(name) != mine.get(name)
        }
        return not any(name.startswith(EARLY) for name in differ)

    def bear(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        output: Path,
        errors: Path,
    ) -> Child:
        """Begin a command; its streams are appended to the files."""
        for file in (output, errors):
            file.touch()
        order = {
            "words": list(words),
            "environment": dict(environment),
            "folder": str(folder.resolve()),
            "output": str(output.resolve()),
            "errors": str(errors.resolve()),
        }
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            while not self._born:
                self._listen(60.0)
            return self._born.pop()

    def code_of(self, child: Child, patience: float) -> int | None:
        """The exit code of one, or None if it still lives after so many seconds."""
        ends = time.monotonic() + patience
        with self._lock:
            while child.code is None:
                left = ends - time.monotonic()
                if not self._listen(max(0.0, min(left, 60.0))) and left <= 0:
                    return None
            return child.code

    def _listen(self, patience: float) -> bool:
        """Whether anything was told in that time."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], patience)[0]:
            return False
        read = os.read(self._process.stdout.fileno(), 65_536)
        if not read:
            raise RuntimeError(f"the nursery ended with exit code {self._process.wait()}")
        *lines, self._told = (self._told + read).split(b"\n")
        for line in lines:
            what, *numbers = line.split()
            pid = int(numbers[0])
            if what == b"born":
                # The system gives numbers of the dead to others: a child is more than its pid.
                self._living[pid] = Child(self, pid)
                self._born.append(self._living[pid])
            else:
                self._living.pop(pid).code = int(numbers[1])
        return True

    def close(self) -> None:
        """End it, and whatever of its children still lives."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


_open: list[_House] = []
"""Where this process may have its nursery, within ``forking()``."""


class _House:
    """Has a nursery as soon as one is needed."""

    nursery: Nursery | None = None


@contextmanager
def forking() -> Iterator[None]:
    """Within this, what ``born`` and ``finished`` begin are forks of one process that has loaded
    everything; what lives at the end, ends."""
    house = _House()
    _open.append(house)
    try:
        yield
    finally:
        _open.remove(house)
        if house.nursery is not None:
            house.nursery.close()


def born(
    words: Sequence[str], environment: Mapping[str, str], folder: Path, output: Path, errors: Path
) -> Child | None:
    """Begin a command in this process's nursery, or nothing if it needs a fresh process."""
    if not _open or sys.platform != "linux":
        return None
    nursery = _open[-1].nursery = _open[-1].nursery or Nursery()
    if not nursery.suits(environment):
        return None
    return nursery.bear(words, environment, folder, output, errors)


def finished(
    words: Sequence[str], environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str] | None:
    """As ``born``, for a command that ends by itself: how it did, and what it said."""
    with TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        child = born(words, environment, Path.cwd(), output, errors)
        if child is None:
            return None
        try:
            code = child.wait(seconds)
        finally:
            child.kill()
        said = (file.read_text(encoding="utf-8") for file in (output, errors))
        return subprocess.CompletedProcess(["ratelord", *words], code, *said)


def _without_ours(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith("RATELORD_")}
