"""The process that replays a log for a daemon: a task on standard input, lines on output."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from ratelord_core import parts, plugins
from ratelord_core.errors import PolicyError, RatelordError
from ratelord_core.events.record import Record
from ratelord_core.hindsight.backtest import Course, Terms, backtest, overridden
from ratelord_core.hindsight.replaying import Compared
from ratelord_core.hindsight.starting import from_snapshot
from ratelord_core.hindsight.tally import told_change
from ratelord_core.jobs import Said
from ratelord_core.jobs.replay_task import ReplayTask
from ratelord_core.policy.stack import PolicyStack
from ratelord_core.store import EventQuery, EventStore, SnapshotStore

_NICENESS: Final = 10
_PAUSE: Final = 0.2
_CHUNK: Final = 2000
_PATIENCE: Final = 1.0

Say = Callable[[Said], None]


def main(source: BinaryIO, out: BinaryIO) -> None:
    """Do the task on ``source``; everything that is to be known goes to ``out``."""
    os.nice(_NICENESS)
    task = msgspec.json.decode(source.read(), type=ReplayTask)
    if task.megabytes:
        most = task.megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    def say(said: Said) -> None:
        out.write(msgspec.json.encode(said) + b"\n")
        out.flush()

    try:
        _do(task, say)
    except PolicyError as error:
        say(Said(findings=[msgspec.to_builtins(one) for one in error.findings]))
    except RatelordError as error:
        say(Said(error=str(error)))
    except MemoryError:
        say(Said(error=f"it took more than {task.megabytes} MiB; replay a shorter span"))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything: the daemon is told what
        say(Said(error=f"{type(error).__name__}: {error}"))


def _do(task: ReplayTask, say: Say) -> None:
    offered = parts.load(task.without)
    stack = offered.policy(task.document, task.source)
    say(Said(title=stack.version))
    stores = plugins.load(task.without).named("ratelord_register_stores")
    path = Path(task.path)
    store = stores[task.store].open_events(path, exclusive=False)
    kept = stores[task.store].open_snapshots(path)
    terms = Terms(task.since, task.until, task.examples, task.seed, task.graph)
    try:
        if task.follow:
            _follow(task, store, kept, stack, offered, say)
            return
        progress = _Progress(say)
        say(Said(result=backtest(store, stack, offered, terms, progress, kept)))
    finally:
        store.close()


class _Progress:
    """Tells how far it is, but not all the time."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._told = 0.0

    def __call__(self, part: float) -> None:
        now = time.monotonic()
        if now - self._told >= _PATIENCE / 4:
            self._told = now
            self._say(Said(progress=part))


def _follow(
    task: ReplayTask,
    store: EventStore,
    kept: SnapshotStore,
    stack: PolicyStack,
    offered: parts.Parts,
    say: Say,
) -> None:
    """Replay the log and go on with it, until nobody hears any more. The candidate has the state
    that the log led to until ``since_seq``, and decides for itself from there on."""

    def differs(one: Compared) -> None:
        if one.kind != "same":
            say(Said(part=told_change(one)))

    model, place = stack.document.settings.forecast_model, task.since_seq + 1
    start = from_snapshot(store, kept, offered, model, task.graph, place)
    terms = Terms(since=sys.maxsize, graph=task.graph)
    waived: dict[str, tuple[str, str]] = {}
    course = Course(stack, offered, terms, differs, waived, start=start)
    course.feed(store.read(EventQuery(after=start.seq, before=place)))
    course.begin(course.last)
    say(Said(progress=1.0))
    parent = os.getppid()
    while os.getppid() == parent:
        more = list(_next(store, course.seq))
        waived |= overridden(more)  # an answer and that a human asked for it are written together
        course.feed(more)
        waived.clear()
        if not more:
            time.sleep(_PAUSE)


def _next(store: EventStore, after: int) -> Iterator[Record]:
    return store.read(EventQuery(after=after, limit=_CHUNK))


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
