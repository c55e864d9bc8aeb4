"""The state of a log: a snapshot and what came after, or in any doubt the whole log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from hashlib import sha256
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ratelord_core.clock import Clock
from ratelord_core.engine import State
from ratelord_core.errors import RatelordError
from ratelord_core.events.codec import open_record
from ratelord_core.events.payloads import SnapshotTaken
from ratelord_core.events.record import Record
from ratelord_core.freezing import CannotFreeze, CannotThaw, freeze, thaw
from ratelord_core.model.instant import to_seconds
from ratelord_core.replay import Blank, replay
from ratelord_core.store import EventQuery, EventStore, Head, Snapshot, SnapshotStore

_log = logging.getLogger(__name__)
_ROOMS: Final = (
    "model",
    "events",
    "ledger",
    "projections",
    "graph",
    "forecast",
    "control",
    "engine",
)
_LIBRARIES: Final = ("msgspec", "networkx", "numpy")


class DoubtError(Exception):
    """Why a snapshot is not believed."""


class Snapshots:
    """Restores states, and keeps them. ``seconds`` and ``replayed`` are what the last restoring
    took and how many events it read; ``seq`` is where the newest snapshot that was believed or
    kept stands, 0 without one."""

    def __init__(self, log: EventStore, kept: SnapshotStore, blank: Blank, clock: Clock) -> None:
        self.seconds = 0.0
        self.replayed = 0
        self.seq = 0
        self._log = log
        self._kept = kept
        self.blank = blank
        self._clock = clock
        self._packages = {*blank.packages(), "networkx"}
        self._made_by = ""

    def restore(self, up_to: int | None = None) -> State:
        """The state after the event ``up_to`` (None: the newest). Raises ``StoreCorrupt``."""
        began = self._clock.now()
        before = None if up_to is None else up_to + 1
        try:
            state, seq = self.believed(before)
        except DoubtError as doubt:
            _log.warning("the snapshot is not believed, the log is replayed: %s", doubt)
            state, seq = self.blank.state(), 0
        self.seq = seq
        state = replay(self._counted(EventQuery(after=seq, before=before)), state)
        self.seconds = to_seconds(self._clock.now() - began)
        return state

    def believed(self, before: int | None = None) -> tuple[State, int]:
        """The snapshot's state and place, an empty state and 0 without one. ``DoubtError`` if
        anything about it is not as the log and this program have it."""
        try:
            kept = self._kept.load()
        except RatelordError as error:
            raise DoubtError(str(error)) from error
        if kept is None or (before is not None and kept.seq >= before):
            return self.blank.state(), 0
        if kept.made_by != self.made_by:
            raise DoubtError("another version of the program made it")
        self._check_place(kept)
        try:
            return thaw(kept.content, self._packages), kept.seq
        except CannotThaw as error:
            raise DoubtError(f"it cannot be read: {error}") from error

    def _check_place(self, kept: Snapshot) -> None:
        place = EventQuery(after=kept.seq - 1, before=kept.seq + 1)
        if [record.chain for record in self._log.read(place)] != [kept.chain]:
            raise DoubtError(f"event {kept.seq} of the log is not the one that it follows")
        digest = kept.digest.hex()
        told = EventQuery(after=kept.seq, types=(SnapshotTaken.event_type,), newest_first=True)
        for record in self._log.read(told):
            said = open_record(record).payload
            if isinstance(said, SnapshotTaken) and said.digest == digest:
                return
        raise DoubtError("the log names no snapshot with its digest")

    def offer(self, state: State, head: Head) -> SnapshotTaken:
        """Keep the state after ``head``, beside the snapshot in use; what the log is to say of it.
        Raises ``CannotFreeze`` or ``StoreError``."""
        content = freeze(state)
        try:
            thaw(content, self._packages)
        except CannotThaw as error:
            raise CannotFreeze(str(error)) from error
        snapshot = Snapshot(head.seq, head.chain, self.made_by, content)
        self._kept.offer(snapshot)
        return SnapshotTaken(position=head.seq, digest=snapshot.digest.hex(), size=len(content))

    def adopt(self, taken: SnapshotTaken) -> None:
        """Use what was offered, by this process or one beside it, now that the log names it."""
        self._kept.adopt()
        self.seq = taken.position

    def drop(self) -> None:
        """Forget every snapshot."""
        self._kept.drop()
        self.seq = 0

    @property
    def made_by(self) -> str:
        """This program, so exactly that no other one reads its states: the interpreter, the
        libraries whose objects are in states, and the text of every module that makes them."""
        if not self._made_by:
            told = sha256(sys.version.encode())
            for library in _LIBRARIES:
                told.update(f"{library} {version(library)};".encode())
            for module in (
                *(f"ratelord_core.{room}" for room in _ROOMS),
                *sorted(self.blank.packages()),
            ):
                _add_text(told, module)
            self._made_by = told.hexdigest()
        return self._made_by

    def _counted(self, query: EventQuery) -> Iterator[Record]:
        self.replayed = 0
        for record in self._log.read(query):
            self.replayed += 1
            yield record


def _add_text(told: Any, package: str) -> None:
    module = import_module(package)
    if module.__file__ is None:
        raise CannotFreeze(f"{package} has no file")
    file = Path(module.__file__)
    for text in sorted(file.parent.rglob("*.py")) if hasattr(module, "__path__") else [file]:
        told.update(text.name.encode() + b"\0" + text.read_bytes())
