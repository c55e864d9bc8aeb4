"""One rule's hold on one pool: its controller's pace, turned into starts one after the other."""

from __future__ import annotations

from math import inf
from typing import Any, Final

import msgspec

from ratelord_core.control.protocol import DelayController, PaceParams, Reading
from ratelord_core.control.trusted import Trusted
from ratelord_core.control.turns import Turns
from ratelord_core.model.instant import SECOND, Micros

_SAMPLES: Final = 256
"""A controller is told of its pool at most so often in a window."""

_RARER: Final = 3
"""Starts out of turn come to the same agent so much more rarely than its turns: most of those who
would take them ask often already."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """What somebody wants. ``free`` units of the present window are promised to nobody and kept
    for nobody else; ``reset_at`` is when the next one begins (None: the pool renews all the
    time); ``usual`` is the pace (units a second) of a whole window to come."""

    now: Micros
    agent: str
    weight: float
    units: int
    free: float
    reset_at: Micros | None
    usual: float
    window: Micros = 0
    edge: Micros = 0
    """A reset; others follow it window by window."""
    guard: Micros = 0
    """So long after a reset nobody knows for sure on which side of it a start would count."""

    def past_edges(self, start: Micros) -> Micros:
        """The start, or the end of the guard if it falls into one."""
        if self.reset_at is None or start < self.edge or not self.window:
            return start
        return start + max(0, self.guard - (start - self.edge) % self.window)


class Spaced(msgspec.Struct, frozen=True, gc=False):
    """So long (µs) somebody is to wait; ``gap`` is how much later the next of all may start,
    ``turn`` how much later the next of the same agent; 0: no later. A negative gap is one between
    those who take what is left over in a window whose other starts are all given away; a negative
    turn is one between the agent's starts out of turn."""

    wait: Micros
    gap: Micros
    turn: Micros


class Governor:
    """Spaces starts. Starts follow one another at the controller's pace; an agent that asks for
    more than its share follows itself at its share of that, and leaves the places between to
    others."""

    def __init__(
        self, params: PaceParams, controller: DelayController | Trusted, window: Micros
    ) -> None:
        self.params = params
        self.controller = controller
        self._next: Micros = 0
        self._spare: Micros = 0
        self._turns = Turns(window // 2)
        self._sampled = -inf

    def ask(self, reading: Reading, wanted: Request) -> Spaced | None:
        """Where somebody who asks now may start; None: nobody need wait. Changes nothing."""
        pace = self.controller.pace(reading)
        if pace == inf or not wanted.units:
            return None
        now, reset_at = wanted.now, wanted.reset_at
        begin, spare, rate = max(now, self._next), False, pace
        if reset_at is not None:
            if wanted.free < wanted.units or pace <= 0.0:
                begin, pace, rate = max(begin, reset_at), wanted.usual, wanted.usual
            elif begin < reset_at:
                rate *= SECOND * wanted.free / (reset_at - begin) / reading.even
            else:
                # those behind us were promised the next window, but there is room in this one yet
                spare, begin = True, self._spare if now < self._spare < reset_at else now
        if rate <= 0.0 or pace <= 0.0:
            return None
        gap = int(SECOND * wanted.units / rate)
        own, turn = self._own(wanted, pace, begin)
        if own > begin:
            return Spaced(wanted.past_edges(own) - now, 0, turn)
        return Spaced(wanted.past_edges(begin) - now, -gap if spare else gap, turn)

    def _own(self, wanted: Request, pace: float, begin: Micros) -> tuple[Micros, Micros]:
        """When it is the agent's own turn (0: it has none to wait for), and how much later its
        next one comes."""
        if not self.params.fair:
            return 0, 0
        turns, reset_at = self._turns, wanted.reset_at
        own = turns.next(wanted.agent)
        later = reset_at is not None and own >= reset_at
        share = turns.share(
            wanted.agent, wanted.weight, wanted.usual if later else pace, wanted.now
        )
        if share == inf or share <= 0.0:
            return 0, 0
        span = int(SECOND * wanted.units / share)
        if reset_at is not None and begin < reset_at <= own < reset_at + wanted.window:
            extra = turns.out_of_turn(wanted.agent)
            if extra < reset_at:  # rather out of turn than not at all: this window ends first
                return (extra if extra > begin else 0), -_RARER * span
        return own, span

    def answered(
        self, at: Micros, agent: str, weight: float, units: int, spaced: Spaced, *, allowed: bool
    ) -> None:
        """Somebody asked, and was told to start as spaced, or no."""
        self._turns.asked(agent, weight, units, at)
        if allowed:
            start = at + spaced.wait
            if spaced.gap > 0:
                self._next = max(self._next, start + spaced.gap)
            elif spaced.gap < 0:
                self._spare = start - spaced.gap
            if spaced.turn > 0:
                self._turns.served(agent, start, spaced.turn)
            elif spaced.turn < 0:
                self._turns.favoured(agent, start, -spaced.turn)

    def wants(self, t: float, window: float) -> bool:
        """Whether the controller is to be told how its pool stands at ``t``."""
        return t - self._sampled >= window / _SAMPLES

    def tell(self, reading: Reading) -> None:
        """How the pool stands."""
        self._sampled = reading.t
        self.controller.update(reading)

    def state(self) -> list[Any]:
        """Everything remembered, as plain JSON values."""
        sampled = None if self._sampled == -inf else self._sampled
        return [self._next, self._spare, sampled, self._turns.state(), self.controller.state()]

    def restore(self, state: list[Any]) -> None:
        """Continue from a state."""
        self._next, self._spare, sampled, turns, memory = state
        self._sampled = -inf if sampled is None else sampled
        self._turns.restore(turns)
        self.controller.restore(memory)
