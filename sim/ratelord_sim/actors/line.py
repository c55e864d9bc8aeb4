"""The way between agents and the daemon: it takes time, loses messages, delivers some twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random
from typing import Any, Protocol

from ratelord_core.engine import Engine
from ratelord_core.errors import Refused
from ratelord_core.model.decision import Decision
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.intent import Intent, Report
from ratelord_core.model.observation import Observation
from ratelord_sim.scenario.model import DaemonTerms, FaultTerms
from ratelord_sim.stage import Process, Promise, Stage

_BREAKS = frozenset({"crash", "network_loss", "duplicates"})
_AGAIN = frozenset({"starting", "shutting_down", "overloaded", "read_only"})
_FIRST_PAUSE: Micros = SECOND // 20
_LONGEST_PAUSE: Micros = SECOND
_LATER: Micros = SECOND // 10
"""A second delivery comes within this span of the first."""


class Asked(Protocol):
    """Whom a line leads to: a daemon on the stage, or one elsewhere."""

    @property
    def stage(self) -> Stage:
        """Where time passes."""
        ...

    @property
    def terms(self) -> DaemonTerms:
        """How long the way is, and how patient clients are."""
        ...

    @property
    def engine(self) -> Engine:
        """Knows what draws from which pool."""
        ...

    def ask(self, intent: Intent, tell: Callable[[Decision | Refused | None], None]) -> None:
        """Ask; the answer is told, None if the connection broke."""
        ...

    def report(
        self,
        intent_id: str,
        report: Report,
        seen: Sequence[Observation],
        tell: Callable[[bool], None],
    ) -> None:
        """Report; whether it was taken is told."""
        ...


class Line:
    """Carries questions and reports as a client would: with a key, a timeout and some patience,
    wherever something can get lost."""

    def __init__(self, daemon: Asked, faults: Iterable[FaultTerms], chance: Random) -> None:
        self.daemon = daemon
        self._stage = daemon.stage
        self._chance = chance
        self._faults = tuple(fault for fault in faults if fault.kind in _BREAKS)
        self.reliable = not self._faults
        self.lost = 0
        self.doubled = 0

    def ask(self, intent: Intent) -> Process:
        """Ask; a ``Decision``, a ``Refused``, or None if nobody answered."""
        if self.reliable:
            yield self.daemon.terms.latency
            told: Promise[Any] = self._stage.promise()
            self.daemon.ask(intent, told.keep)
            answer = yield told
            yield self.daemon.terms.latency
            return answer
        return (
            yield from self._patiently(
                lambda told: self.daemon.ask(intent, self._back(told)), _is_answer
            )
        )

    def report(self, intent_id: str, report: Report, seen: tuple[Observation, ...]) -> Process:
        """Report; whether it was taken."""
        if self.reliable:
            yield self.daemon.terms.latency
            self.daemon.report(intent_id, report, seen, _nobody)
            return True
        taken = yield from self._patiently(
            lambda told: self.daemon.report(intent_id, report, seen, self._back(told)), bool
        )
        return bool(taken)

    def _patiently(
        self, act: Callable[[Promise[Any]], None], enough: Callable[[Any], bool]
    ) -> Process:
        answer = None
        for attempt in range(self.daemon.terms.attempts):
            told: Promise[Any] = self._stage.promise()
            self._send("requests", partial(act, told))
            self._stage.after(self.daemon.terms.timeout, partial(told.keep, None))
            answer = yield told
            if enough(answer):
                return answer
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE << attempt)
            yield pause + round(_FIRST_PAUSE * self._chance.random())
        return answer

    def _back(self, told: Promise[Any]) -> Callable[[Any], None]:
        return lambda answer: self._send("replies", lambda: told.keep(answer))

    def _send(self, direction: str, deliver: Callable[[], None]) -> None:
        latency = self.daemon.terms.latency
        if self._happens("network_loss", direction):
            self.lost += 1
            return
        self._stage.after(latency, deliver)
        if direction == "requests" and self._happens("duplicates", direction):
            self.doubled += 1
            self._stage.after(latency + round(_LATER * self._chance.random()), deliver)

    def _happens(self, kind: str, direction: str) -> bool:
        now = self._stage.now - self._stage.start
        return any(
            fault.kind == kind
            and fault.direction in (direction, "both")
            and fault.at <= now < fault.at + fault.duration
            and self._chance.random() < fault.share
            for fault in self._faults
        )


def _is_answer(answer: object) -> bool:
    if isinstance(answer, Refused):
        return answer.code not in _AGAIN
    return isinstance(answer, Decision)


def _nobody(taken: bool) -> None:
    del taken
