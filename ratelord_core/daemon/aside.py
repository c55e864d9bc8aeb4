"""Long work on the log, in a process of its own beside the daemon: it never holds up an answer.

Reads one ``Task`` from standard input, writes one ``Done`` to standard output.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Final, Literal

import msgspec

from ratelord_core import plugins
from ratelord_core.clock import SystemClock
from ratelord_core.daemon.proving import prove
from ratelord_core.daemon.snapshots import Snapshots
from ratelord_core.errors import RatelordError
from ratelord_core.events.payloads import SnapshotTaken
from ratelord_core.freezing import CannotFreeze
from ratelord_core.model.instant import Micros
from ratelord_core.model.proof import Proof
from ratelord_core.replay import Blank
from ratelord_core.store import EventQuery, Head

_NICENESS: Final = 10
"""What is asked of the daemon meanwhile comes first."""
_LOOK: Final = 0.2
"""Seconds between two looks at whether the daemon still lives."""

Kind = Literal["snapshot", "prove"]


class Task(msgspec.Struct, frozen=True):
    """``snapshot``: offer one of the state after ``up_to``. ``prove``: everything up to there, and
    the figures at ``now``. ``daemon`` is the process that asks."""

    kind: Kind
    db: str
    store: str
    graph: str
    model: str
    up_to: int
    now: Micros
    without: tuple[str, ...] = ()
    daemon: int = 0


class Done(msgspec.Struct, frozen=True):
    """What came of it; ``error`` says in one line why nothing did."""

    taken: SnapshotTaken | None = None
    proof: Proof | None = None
    error: str = ""


def work(task: Task) -> Done:
    """Do what is asked."""
    loaded = plugins.load(task.without)
    factory = loaded.named("ratelord_register_stores")[task.store]
    blank = Blank(
        loaded.named("ratelord_register_graphs")[task.graph],
        loaded.named("ratelord_register_forecast_models", "model_id")[task.model],
        loaded.controllers(),
    )
    path = Path(task.db)
    log = factory.open_events(path, exclusive=False)
    try:
        snapshots = Snapshots(log, factory.open_snapshots(path), blank, SystemClock())
        if task.kind == "prove":
            return Done(proof=prove(log, snapshots, blank, task.now, task.up_to))
        state = snapshots.restore(task.up_to)
        place = EventQuery(after=task.up_to - 1, before=task.up_to + 1)
        record = next(iter(log.read(place)))
        head = Head(record.seq, record.chain, record.ts_ingest)
        return Done(taken=snapshots.offer(state, head))
    finally:
        log.close()


def attempt(task: Task) -> Done:
    """The same; what went wrong is in ``error``."""
    try:
        return work(task)
    except (RatelordError, CannotFreeze, LookupError) as error:
        return Done(error=f"{type(error).__name__}: {error}")


def main() -> None:
    """Read, work, write."""
    os.nice(_NICENESS)
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    if task.daemon:
        threading.Thread(target=_end_with, args=(task.daemon,), daemon=True).start()
    done = attempt(task)
    sys.stdout.buffer.write(msgspec.json.encode(done))


def _end_with(daemon: int) -> None:
    """End when the daemon is gone: the next one must not find its snapshot written over."""
    while os.getppid() == daemon:
        time.sleep(_LOOK)
    os._exit(1)


if __name__ == "__main__":
    main()
