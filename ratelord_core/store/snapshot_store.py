"""What the core asks of a place for snapshots: one in use, and perhaps one that is offered.

A snapshot spares a start the replay of the log up to it. It is never trusted over the log: whoever
loads one compares it with what the log says of it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol

import msgspec


class Snapshot(msgspec.Struct, frozen=True):
    """The state after the event ``seq``, whose link of the chain is ``chain``. ``made_by`` names
    the program that froze ``content`` and alone can thaw it."""

    seq: int
    chain: bytes
    made_by: str
    content: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 over all of it: what the log says of a snapshot."""
        place = self.seq.to_bytes(8, "big") + self.chain + self.made_by.encode() + b"\0"
        return sha256(place + self.content).digest()


class SnapshotStore(Protocol):
    """Keeps one log's snapshots. Methods block and raise ``StoreError``."""

    def load(self) -> Snapshot | None:
        """The snapshot in use; None if there is none, or what is there is no snapshot."""
        ...

    def offer(self, snapshot: Snapshot) -> None:
        """Keep one durably beside that in use."""
        ...

    def adopt(self) -> None:
        """Use the one that was offered last, in place of the one before."""
        ...

    def drop(self) -> None:
        """Forget both."""
        ...
