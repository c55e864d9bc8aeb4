"""Whose turn it is: agents that want more than their share of a pace wait for their own turns.

Shares are weighted max-min: whoever asks for less than its share is not held up, and what it leaves
goes to the others.
"""

from __future__ import annotations

from collections import OrderedDict
from math import exp, inf
from typing import Any, Final

import msgspec

from ratelord_core.model.instant import SECOND, Micros

_MOST: Final = 4096
"""Agents that are remembered; strangers' names cannot fill memory."""
_LEAST_PART: Final = 0.125
"""Nobody's demand is judged by less than this part of the memory."""
_SAME: Final = 0.02
"""A level serves as long as the pace differs by no more than this part …"""
_GROWN: Final = 0.125
"""… and as what was asked since, and the weights that came, are no more than this part of all: a
burst is seen at once, and yet the more there is to reckon up, the more rarely is it done."""


class Turn(msgspec.Struct, gc=False):
    """One agent: when it may start next, what it asked for of late, and when it may next start out
    of turn."""

    next: Micros
    asked: float
    at: Micros
    since: Micros
    weight: float
    extra: Micros = 0


class Turns:
    """The agents that draw from one pool; their demand is remembered for ``memory`` µs."""

    def __init__(self, memory: Micros) -> None:
        self._memory = max(1, memory)
        self._agents: OrderedDict[str, Turn] = OrderedDict()
        self._level: tuple[Micros, float, float] = (-1, 0.0, inf)
        self._room_for = [0.0, 0.0]
        """How much may yet be asked, and what weights may yet come, before the level is old."""

    def asked(self, agent: str, weight: float, units: int, at: Micros) -> None:
        """Somebody asked for so many units, whatever the answer."""
        turn = self._agents.get(agent)
        if turn is None:
            turn = self._agents[agent] = Turn(at, 0.0, at, at, weight)
            self._room_for[1] -= weight
            if len(self._agents) > _MOST:
                self._agents.popitem(last=False)
        else:
            self._agents.move_to_end(agent)
            if at - turn.at > 4 * self._memory:
                turn.since, turn.asked = at, 0.0
        turn.asked = turn.asked * exp((turn.at - at) / self._memory) + units
        turn.at, turn.weight = at, weight
        self._room_for[0] -= units

    def served(self, agent: str, start: Micros, span: Micros) -> None:
        """The agent took a start; its next turn is so much later. One that it took before its turn
        came counts like any other."""
        turn = self._agents.get(agent)
        if turn is not None:
            turn.next = max(turn.next, start) + span

    def favoured(self, agent: str, start: Micros, span: Micros) -> None:
        """The agent took a start out of turn, which nobody else could have taken later: its turns
        stay as they are, and the next such start is so much later."""
        turn = self._agents.get(agent)
        if turn is not None:
            turn.extra = max(turn.extra, start) + span

    def out_of_turn(self, agent: str) -> Micros:
        """When the agent may next start out of turn."""
        turn = self._agents.get(agent)
        return 0 if turn is None else turn.extra

    def next(self, agent: str) -> Micros:
        """When the agent may start next."""
        turn = self._agents.get(agent)
        return 0 if turn is None else turn.next

    def share(self, agent: str, weight: float, pace: float, now: Micros) -> float:
        """Units a second that the agent may draw of a ``pace``; ``inf`` if it asks for less than
        its share. Changes nothing that counts: the level is only remembered for a moment."""
        turn = self._agents.get(agent)
        if turn is None or len(self._agents) == 1:
            return inf
        until, known, level = self._level
        if now >= until or abs(pace - known) > _SAME * known or min(self._room_for) < 0.0:
            level = self._fill(pace, now)
            self._level = (now + max(SECOND // 100, self._memory // 64), pace, level)
        mine = level * weight
        return inf if self._rate(turn, now) <= mine else mine

    def _fill(self, pace: float, now: Micros) -> float:
        """The units a second for each weight at which what all get adds up to the pace."""
        turns = self._agents.values()
        self._room_for = [
            _GROWN * sum([self._remembered(turn, now) for turn in turns]),
            _GROWN * sum([turn.weight for turn in turns]),
        ]
        wanted = [
            (rate / turn.weight, turn.weight)
            for turn in turns
            if turn.weight > 0.0 and (rate := self._rate(turn, now)) > 0.0
        ]
        wanted.sort()
        weights = sum([weight for _, weight in wanted])
        left = pace
        for each, weight in wanted:
            if each * weights > left:
                return left / weights
            left -= each * weight
            weights -= weight
        return inf

    def _rate(self, turn: Turn, now: Micros) -> float:
        memory = self._memory
        seen = max(_LEAST_PART, 1.0 - exp(min(0, turn.since - now) / memory))
        return self._remembered(turn, now) * SECOND / (memory * seen)

    def _remembered(self, turn: Turn, now: Micros) -> float:
        return turn.asked * exp(min(0, turn.at - now) / self._memory)

    def state(self) -> list[Any]:
        """Everything remembered, as plain JSON values."""
        return [[agent, *msgspec.structs.astuple(turn)] for agent, turn in self._agents.items()]

    def restore(self, state: list[Any]) -> None:
        """Continue from a state."""
        self._agents = OrderedDict((agent, Turn(*turn)) for agent, *turn in state)
