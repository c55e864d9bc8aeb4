"""The phases of a scenario: which one it is, and how fast a group moves in it."""

from __future__ import annotations

from collections.abc import Sequence

from ratelord_core.model.instant import Micros
from ratelord_sim.scenario.model import PhaseTerms
from ratelord_sim.stage import Stage

ALWAYS = "whole"
"""The one phase of a scenario without phases."""


class Calendar:
    """Phases, one after the other."""

    def __init__(self, phases: Sequence[PhaseTerms], duration: Micros, stage: Stage) -> None:
        self._stage = stage
        told = phases or (PhaseTerms(ALWAYS),)
        self.phases: list[tuple[Micros, Micros, PhaseTerms]] = []
        """Begin, end (µs since the scenario's start) and terms."""
        begin = 0
        for phase in told:
            end = duration if phase.duration is None else begin + phase.duration
            self.phases.append((begin, end, phase))
            begin = end
        last_begin, _, last = self.phases[-1]
        self.phases[-1] = (last_begin, max(duration, begin), last)

    def phase(self) -> str:
        """The name of the present phase."""
        return self._at(self._stage.now - self._stage.start)[2].name

    def _at(self, offset: Micros) -> tuple[Micros, Micros, PhaseTerms]:
        for phase in self.phases:
            if offset < phase[1]:
                return phase
        return self.phases[-1]

    def span(self, group: str, wanted: Micros, *, paced: bool) -> Micros | None:
        """How long a group's agent waits for its next demand when its own rhythm says ``wanted``:
        faster or slower by the phase's factor, and not at all where it is silent. None = for
        ever."""
        offset = begun = self._stage.now - self._stage.start
        left = float(wanted)
        while True:
            _, end, phase = self._at(offset)
            silent = phase.factor == 0 or (phase.agents and group not in phase.agents)
            factor = phase.factor if paced else 1.0
            if not silent and offset + left / factor < end:
                return round(offset + left / factor) - begun
            if offset >= end or phase is self.phases[-1][2]:
                return None
            left -= 0 if silent else (end - offset) * factor
            offset = end
