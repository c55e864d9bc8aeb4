"""One intent going down the stack of rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ratelord_core.policy.effects import Effects
from ratelord_core.policy.gates import all_shut
from ratelord_core.policy.index import Level
from ratelord_core.policy.inputs import Inputs, rounded
from ratelord_core.policy.rule import NOT
from ratelord_core.policy.situation import Situation
from ratelord_core.policy.trace import ASKED, HELD, OUTSIDE, Look, input_name, pack
from ratelord_core.policy.verdict import PolicyVerdict

SKIPPED = "-"
"""Marks a rule that an approval above it in its level spared."""


class Arbitration:
    """Looks at rules from the top down: a denial ends the stack, an approval its level. Mostly no
    rule applies; then there are no effects."""

    __slots__ = ("_effects", "_given", "_situation", "_waived")

    def __init__(self, situation: Situation, waived: tuple[str, str] | None = None) -> None:
        """``waived`` names the rule, by policy and name, that a human set aside this once: like a
        soft one it warns, and binds nobody."""
        self._situation = situation
        self._waived = waived
        self._given: dict[str | None, Inputs] = {}
        self._effects: Effects | None = None

    def over(self, levels: Iterable[Level]) -> PolicyVerdict:
        """The verdict after all levels, or after the rule that denied."""
        looked = []
        for level in levels:
            looked.append(self._descend(level))
            if self._effects is not None and self._effects.denied is not None:
                break
        trace, saw, effects = ",".join(looked), self._saw(), self._effects
        if effects is None:
            return PolicyVerdict(looked=trace, saw=saw)
        denied = effects.denied
        return PolicyVerdict(
            denied=denied is not None,
            reason=effects.reason,
            wait=0 if denied else effects.wait,
            reset_jitter=None if denied else effects.reset_jitter,
            retry_after=denied.retry_after if denied else None,
            decided_by=effects.decided_by,
            warnings=tuple(dict.fromkeys(effects.warnings)),
            looked=trace,
            held=effects.held,
            saw=saw,
            bound=tuple(effects.bound),
            instead=() if denied else tuple(effects.instead),
            counted=() if denied else tuple(effects.counted),
            notices=tuple(effects.notices),
        )

    def _descend(self, level: Level) -> str:
        """Which of the level's rules were looked at, packed; the level knows that if none of them
        applies."""
        if level.gates and all_shut(level.gates, self._given_to(level.gates[0].focus)):
            return level.looked
        marks: dict[int, str] = {}
        looked, ended = 0, False
        for rule, focus in level.candidates:
            if ended and not rule.cap:
                marks[looked], looked = SKIPPED, looked + 1
                continue
            outcome = rule.try_on(self._given_to(focus))
            looked += 1
            if outcome is NOT:
                continue
            effect = outcome.effect
            if effect is None:
                marks[looked - 1] = OUTSIDE
                continue
            marks[looked - 1] = HELD
            if self._effects is None:
                self._effects = Effects(self._situation, self._waived)
            ended = self._effects.heed(rule, focus, effect) or ended
            if ended and (self._effects.denied is not None or not level.caps):
                break
        return _packed(level, looked, marks) if marks else level.looked

    def _given_to(self, focus: str | None) -> Inputs:
        given = self._given.get(focus)
        if given is None:
            given = self._given[focus] = Inputs(self._situation, focus)
        return given

    def _saw(self) -> dict[str, Any]:
        """Every value that a rule read, as it is shown, but for those that the question names."""
        saw = {}
        for focus, given in self._given.items():
            for name, value in given.items():
                if name not in ASKED:
                    saw[input_name(name, focus) if focus else name] = rounded(value)
        return saw


def _packed(level: Level, looked: int, marks: Mapping[int, str]) -> str:
    return pack(
        Look(rule.number, marks.get(place, ""), focus or "")
        for place, (rule, focus) in enumerate(level.candidates[:looked])
        if marks.get(place) != SKIPPED
    )
