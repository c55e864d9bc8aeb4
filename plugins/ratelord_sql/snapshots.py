"""Snapshots as files beside the log: ``NAME.snapshot``, and ``NAME.snapshot.new`` when offered."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from ratelord_core.errors import StoreError
from ratelord_core.store import Snapshot

_MAGIC: Final = b"ratelord snapshot 1\n"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Snapshot).decode


class SnapshotFiles:
    """The snapshots of the log at ``path``, readable by their owner only, as the log is."""

    def __init__(self, path: Path) -> None:
        log = path.resolve()
        self.path = log.with_name(log.name + ".snapshot")
        self._offered = log.with_name(log.name + ".snapshot.new")

    def load(self) -> Snapshot | None:
        """The snapshot in use; None if there is none, or what is there is no snapshot."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror}") from error
        if not content.startswith(_MAGIC):
            return None
        with suppress(msgspec.DecodeError):
            return _decode(content[len(_MAGIC) :])
        return None

    def offer(self, snapshot: Snapshot) -> None:
        """Keep one, flushed to the disk, beside that in use."""
        try:
            self._offered.unlink(missing_ok=True)
            opened = os.open(self._offered, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(opened, "wb") as file:
                file.write(_MAGIC)
                file.write(_encode(snapshot))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self._offered.unlink(missing_ok=True)
            raise StoreError(f"cannot write {self._offered}: {error.strerror}") from error

    def adopt(self) -> None:
        """Use the one that was offered last; what a crash leaves is one of the two, whole."""
        try:
            self._offered.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StoreError(f"cannot keep {self.path}: {error.strerror}") from error

    def drop(self) -> None:
        """Forget both."""
        try:
            self.path.unlink(missing_ok=True)
            self._offered.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot remove {self.path}: {error.strerror}") from error
