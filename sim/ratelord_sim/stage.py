"""The stage: a heap of what happens when, and a clock that jumps from one to the next.

Processes are generators. They yield a span (µs) to sleep, or a ``Promise`` to wait for. At one
instant things happen in the order in which they were arranged, so a run has only one course.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from heapq import heappop, heappush
from typing import Any, Generic, TypeVar

from ratelord_core.model.instant import Micros

Told = TypeVar("Told")


class Promise(Generic[Told]):
    """Something that one process waits for and another will tell, at most once."""

    __slots__ = ("_stage", "_waiter", "kept", "value")

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._waiter: Process | None = None
        self.kept = False
        self.value: Told | None = None

    def keep(self, value: Told | None) -> None:
        """Tell it now; a second time changes nothing."""
        if self.kept:
            return
        self.kept, self.value = True, value
        if self._waiter is not None:
            self._stage.step(self._waiter, value)

    def wait(self, process: Process) -> None:
        """That process goes on once it is told."""
        if self.kept:
            self._stage.after(0, lambda: self._stage.step(process, self.value))
        self._waiter = process


Process = Generator[Micros | Promise[Any], Any, Any]
"""A life on the stage."""


class Stage:
    """Virtual time. ``now`` is the true time: what a daemon's clock shows is another matter."""

    def __init__(self, start: Micros) -> None:
        self.start = start
        self.now = start
        self.steps = 0
        """How many things have happened."""
        self._heap: list[tuple[Micros, int, Callable[[Any], None] | None, Any]] = []
        self._arranged = 0

    def at(self, instant: Micros, act: Callable[[], None]) -> None:
        """Do it at that instant (now, if that is past)."""
        self._arranged += 1
        heappush(self._heap, (max(instant, self.now), self._arranged, _call, act))

    def after(self, span: Micros, act: Callable[[], None]) -> None:
        """Do it after so many µs."""
        self.at(self.now + span, act)

    def spawn(self, process: Process, instant: Micros | None = None) -> None:
        """Begin a process, now or at that instant."""
        self._arranged += 1
        begin = self.now if instant is None else max(instant, self.now)
        heappush(self._heap, (begin, self._arranged, None, process))

    def promise(self) -> Promise[Any]:
        """A new promise."""
        return Promise(self)

    def step(self, process: Process, value: Any) -> None:
        """Let a process go on with a value, until it waits again."""
        try:
            waits = process.send(value)
        except StopIteration:
            return
        if isinstance(waits, Promise):
            waits.wait(process)
            return
        self._arranged += 1
        heappush(self._heap, (self.now + waits, self._arranged, None, process))

    def run(self, until: Micros) -> None:
        """Everything that happens before that instant; then it is that instant."""
        heap = self._heap
        while heap and heap[0][0] < until:
            self.now, _, act, thing = heappop(heap)
            self.steps += 1
            if act is None:
                self.step(thing, None)
            else:
                act(thing)
        self.now = max(self.now, until)


def _call(act: Callable[[], None]) -> None:
    act()
