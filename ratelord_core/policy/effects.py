"""How the effects of many rules become one: a denial ends it, waits give way to the longest."""

from __future__ import annotations

from ratelord_core.model.decision import DecidedBy
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.policy.action import (
    Approve,
    Count,
    Deny,
    Effect,
    Instead,
    Notify,
    Pace,
    Wait,
    WaitForReset,
    Warn,
)
from ratelord_core.policy.rule import Rule
from ratelord_core.policy.situation import Situation
from ratelord_core.policy.verdict import Counted, Notice, Routed

_UNKNOWN_RESET: Micros = 2**63
"""Longer than any wait: a reset that nobody knows decides."""


class Effects:
    """What the rules that applied to one intent amount to. Warnings add up; a soft policy never
    blocks or delays: its denials and waits become warnings."""

    def __init__(self, situation: Situation, waived: tuple[str, str] | None = None) -> None:
        """``waived`` names the rule, by policy and name, that a human set aside this once: like a
        soft one it warns, and binds nobody."""
        self._situation = situation
        self._waived = waived
        self._longest: Micros = 0
        self.denied: Deny | None = None
        self.wait: Micros = 0
        self.reset_jitter: Micros | None = None
        self.reason = ""
        self.decided_by: DecidedBy | None = None
        self.warnings: list[str] = []
        self.held: dict[str, str] = {}
        """What each rule that applied says, by its number."""
        self.bound: list[tuple[str, str, str, str]] = []
        self.instead: list[Routed] = []
        self.counted: list[Counted] = []
        self.notices: list[Notice] = []

    def heed(self, rule: Rule, focus: str | None, effect: Effect) -> bool:
        """Take a rule's effect; whether that ends the level."""
        if isinstance(effect, Count):
            self.counted.append(Counted(rule.cap, _by(rule), effect))
            return False
        lenient = rule.soft or rule.label == self._waived
        if isinstance(effect, Pace):
            effect = self._paced(rule, focus, effect, lenient=lenient)
        reason = _reason(rule, effect, lenient=lenient)
        self.held[str(rule.number)] = reason
        if isinstance(effect, Notify):
            told = Notice(*rule.label, rule.config.action, effect.message, effect.every)
            self.notices.append(told)
            return False
        if isinstance(effect, Instead) and not effect.ways:
            return False
        self.bound.append((*rule.label, rule.config.action, reason))
        if isinstance(effect, Approve):
            return True
        if lenient or isinstance(effect, Warn):
            self.warnings.append(reason)
        else:
            self._take(rule, focus, effect, reason)
        return self.denied is not None

    def _paced(
        self, rule: Rule, focus: str | None, effect: Pace, *, lenient: bool
    ) -> Wait | Instead:
        """The longest wait that a controller asks for: in the pool that the rule means, or in any
        that the intent draws from. None is as good as no rule."""
        found = self._situation
        spans = {
            pool: found.pace(rule.number, pool, effect.paced, binding=not lenient)
            for pool in (found.pools if focus is None else (focus,))
        }
        pool = max(spans, key=spans.__getitem__, default="")
        why = effect.reason or f"{effect.paced.params.algorithm} spaces the starts in {pool}"
        return Wait(spans[pool], why) if any(spans.values()) else Instead((), reason=effect.reason)

    def _take(self, rule: Rule, focus: str | None, effect: Effect, reason: str) -> None:
        if isinstance(effect, Deny):
            self.denied = effect
            self._decide(rule, reason)
        elif isinstance(effect, Wait):
            self._take_wait(rule, effect.span, reason)
        elif isinstance(effect, WaitForReset):
            self._take_reset(rule, focus, effect, reason)
        elif isinstance(effect, Instead) and effect.ways:
            self.instead.append(Routed(_by(rule), effect, reason))

    def _take_wait(self, rule: Rule, span: Micros, reason: str) -> None:
        self.wait = max(self.wait, span)
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
        self.reset_jitter = max(self.reset_jitter or 0, effect.jitter)
        span = _UNKNOWN_RESET if until is None else until + effect.jitter
        if span > self._longest or self.decided_by is None:
            self._longest = span
            self._decide(rule, reason)

    def _until_reset(self, key: str | None) -> Micros | None:
        reset_at = self._situation.pool(key).reset_at if key else None
        return None if reset_at is None else max(0, reset_at - self._situation.now)

    def _decide(self, rule: Rule, reason: str) -> None:
        self.decided_by = _by(rule)
        self.reason = reason


def _by(rule: Rule) -> DecidedBy:
    return DecidedBy(rule.policy_id, rule.name, rule.config.overridable)


def _reason(rule: Rule, effect: Effect, *, lenient: bool) -> str:
    verb, said = _in_words(effect)
    lenient = lenient and isinstance(effect, (Deny, Wait, WaitForReset, Instead))
    kind = "" if not lenient else "soft " if rule.soft else "overridden "
    where = f"rule '{rule.name}' of {kind}policy '{rule.policy_id}'"
    what = f"{'would be ' if lenient else ''}{verb} by {where}"
    return f"{what}: {said}" if said else what


def _in_words(effect: Effect) -> tuple[str, str]:
    if isinstance(effect, Wait):
        return f"delayed {effect.span / SECOND:.6g} s", effect.reason
    if isinstance(effect, Instead):
        return ("done otherwise" if effect.ways else "left as asked"), effect.reason
    said = getattr(effect, "message" if isinstance(effect, (Warn, Notify)) else "reason", "")
    return _VERBS[type(effect)], said


_VERBS = {
    Approve: "approved",
    Count: "counted",
    Deny: "denied",
    Notify: "told",
    WaitForReset: "deferred to the reset",
    Warn: "warned",
}
