"""One daemon per log: an advisory lock on a file beside it, freed by the kernel when we die."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ratelord_core.errors import StoreLocked


class DaemonLock:
    """Held from construction until ``release``; raises ``StoreLocked`` or ``OSError``.

    The lock file stays behind on purpose: removing it would let two daemons lock two files of the
    same name. Its text is the holder's process id, for people; the lock itself is the kernel's.
    """

    def __init__(self, log: Path) -> None:
        path = log.with_name(log.name + ".lock")
        self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            self.release()
            raise StoreLocked(
                f"{log} is in use by another daemon (process {holder}); "
                "stop that one, or name another file with --db"
            ) from None
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let go; a second call does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
