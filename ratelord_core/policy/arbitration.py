"""How the effects of many rules become one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ratelord_core.model.decision import DecidedBy
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.policy.action import Approve, Deny, Effect, Wait, WaitForReset, Warn
from ratelord_core.policy.index import Level
from ratelord_core.policy.inputs import Inputs, rounded
from ratelord_core.policy.rule import NOT, Rule
from ratelord_core.policy.situation import Situation
from ratelord_core.policy.trace import ASKED, HELD, OUTSIDE, Look, input_name, pack
from ratelord_core.policy.verdict import PolicyVerdict

_UNKNOWN_RESET: Micros = 2**63
"""Longer than any wait: a reset that nobody knows decides."""


class Arbitration:
    """One intent going down the stack.

    A denial ends the stack, an approval its level, waits give way to the longest, warnings add up.
    A soft policy never blocks or delays: its denials and waits become warnings.
    """

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._given: dict[str | None, Inputs] = {}
        self._denied: Deny | None = None
        self._wait: Micros = 0
        self._reset_jitter: Micros | None = None
        self._longest: Micros = 0
        self._reason = ""
        self._decided_by: DecidedBy | None = None
        self._warnings: list[str] = []
        self._looked: list[str] = []
        self._held: dict[str, str] = {}
        self._bound: list[tuple[str, str, str, str]] = []
        self._looked_at: list[tuple[str, str]] = []

    def over(self, levels: Iterable[Level]) -> PolicyVerdict:
        """The verdict after all levels, or after the rule that denied."""
        for level in levels:
            self._descend(level)
            if self._denied is not None:
                break
        denied = self._denied
        return PolicyVerdict(
            denied=denied is not None,
            reason=self._reason,
            wait=0 if denied else self._wait,
            reset_jitter=None if denied else self._reset_jitter,
            retry_after=denied.retry_after if denied else None,
            decided_by=self._decided_by,
            warnings=tuple(dict.fromkeys(self._warnings)),
            looked=",".join(self._looked),
            held=self._held,
            saw=self._saw(),
            bound=tuple(self._bound),
            looked_at=tuple(self._looked_at),
        )

    def _descend(self, level: Level) -> None:
        """Mostly no rule applies; the level knows how that is written down."""
        marks: dict[int, str] = {}
        looked = 0
        for rule, focus in level.candidates:
            outcome = rule.try_on(self._given.get(focus) or self._read(focus))
            self._looked_at.append(rule.label)
            looked += 1
            if outcome is NOT:
                continue
            effect = outcome.effect
            marks[looked - 1] = OUTSIDE if effect is None else HELD
            if effect is not None and self._heed(rule, focus, effect):
                break
        self._looked.append(_packed(level, looked, marks) if marks else level.looked)

    def _heed(self, rule: Rule, focus: str | None, effect: Effect) -> bool:
        """Take a rule's effect; whether that ends the level."""
        reason = _reason(rule, effect)
        self._held[str(rule.number)] = reason
        self._bound.append((*rule.label, rule.config.action, reason))
        if isinstance(effect, Approve):
            return True
        self._take(rule, focus, effect, reason)
        return self._denied is not None

    def _read(self, focus: str | None) -> Inputs:
        given = self._given[focus] = Inputs(self._situation, focus)
        return given

    def _saw(self) -> dict[str, Any]:
        """Every value that a rule read, as it is shown, but for those that the question names."""
        return {
            input_name(name, focus) if focus else name: rounded(value)
            for focus, given in self._given.items()
            for name, value in given.values.items()
            if name not in ASKED
        }

    def _take(self, rule: Rule, focus: str | None, effect: Effect, reason: str) -> None:
        if isinstance(effect, Warn) or rule.soft:
            self._warnings.append(reason)
        elif isinstance(effect, Deny):
            self._denied = effect
            self._decide(rule, reason)
        elif isinstance(effect, Wait):
            self._take_wait(rule, effect.span, reason)
        elif isinstance(effect, WaitForReset):
            self._take_reset(rule, focus, effect, reason)

    def _take_wait(self, rule: Rule, span: Micros, reason: str) -> None:
        self._wait = max(self._wait, span)
        if span > self._longest:
            self._longest = span
            self._decide(rule, reason)

    def _take_reset(self, rule: Rule, focus: str | None, effect: WaitForReset, reason: str) -> None:
        """The verdict speaks of the tightest pool's reset; that of another pool is a plain wait,
        its jitter drawn here."""
        tightest = self._situation.tightest
        until = self._until_reset(focus or tightest)
        if focus not in (None, tightest) and until is not None:
            jitter = self._situation.jitter(effect.jitter) if effect.jitter else 0
            self._take_wait(rule, until + jitter, reason)
            return
        self._reset_jitter = max(self._reset_jitter or 0, effect.jitter)
        span = _UNKNOWN_RESET if until is None else until + effect.jitter
        if span > self._longest or self._decided_by is None:
            self._longest = span
            self._decide(rule, reason)

    def _until_reset(self, key: str | None) -> Micros | None:
        reset_at = self._situation.pool(key).reset_at if key else None
        return None if reset_at is None else max(0, reset_at - self._situation.now)

    def _decide(self, rule: Rule, reason: str) -> None:
        self._decided_by = DecidedBy(rule.policy_id, rule.name)
        self._reason = reason


def _packed(level: Level, looked: int, marks: Mapping[int, str]) -> str:
    return pack(
        Look(rule.number, marks.get(place, ""), focus or "")
        for place, (rule, focus) in enumerate(level.candidates[:looked])
    )


def _reason(rule: Rule, effect: Effect | None) -> str:
    if effect is None:
        return ""
    verb, said = _in_words(effect)
    soft = rule.soft and isinstance(effect, (Deny, Wait, WaitForReset))
    where = f"rule '{rule.name}' of {'soft ' if soft else ''}policy '{rule.policy_id}'"
    what = f"{'would be ' if soft else ''}{verb} by {where}"
    return f"{what}: {said}" if said else what


def _in_words(effect: Effect) -> tuple[str, str]:
    if isinstance(effect, Deny):
        return "denied", effect.reason
    if isinstance(effect, Warn):
        return "warned", effect.message
    if isinstance(effect, Wait):
        return f"delayed {effect.span / SECOND:.6g} s", effect.reason
    if isinstance(effect, WaitForReset):
        return "deferred to the reset", effect.reason
    return "approved", ""
