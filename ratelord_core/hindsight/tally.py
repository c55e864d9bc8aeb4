"""Counts what a candidate would have changed: for whom, by which rule, when."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from ratelord_core.hindsight.answer import CHANGES, Answer, plain
from ratelord_core.hindsight.replaying import Compared
from ratelord_core.model.instant import SECOND, Micros, to_text

DIMENSIONS: Final = ("agent_id", "identity_id", "workload_id", "scope_id")
_STEPS: Final = 120
_MOST: Final = 20
"""Who is listed of each dimension: those with the most changes."""


class Side(msgspec.Struct):
    """The answers of one side, counted. Waits in µs, cost in micro-USD as it was expected."""

    approved: int = 0
    modified: int = 0
    denied: int = 0
    waited: Micros = 0
    expected_cost: int = 0
    reasons: Counter[str] = msgspec.field(default_factory=Counter)
    rules: Counter[str] = msgspec.field(default_factory=Counter)

    def add(self, answer: Answer) -> None:
        """Count an answer."""
        if not answer.allowed:
            self.denied += 1
            self.reasons[answer.reason_code] += 1
        elif answer.start or answer.changes:
            self.modified += 1
            self.waited += answer.start
        else:
            self.approved += 1
        if answer.allowed and answer.cost > 0:
            self.expected_cost += answer.cost
        if answer.rule:
            self.rules[answer.rule] += 1


class Tally:
    """Everything that is counted of a backtest."""

    def __init__(self, examples: int) -> None:
        self.questions = 0
        self.kinds: Counter[str] = Counter()
        self.before, self.after = Side(), Side()
        self.first: Micros = 0
        self.last: Micros = 0
        self.examples: dict[str, list[Compared]] = {kind: [] for kind in CHANGES}
        self._most = examples
        self._who: dict[str, dict[str, Counter[str]]] = {name: {} for name in DIMENSIONS}
        self._minutes: dict[Micros, list[int]] = {}

    def add(self, one: Compared) -> None:
        """Count a question."""
        self.questions += 1
        self.first = self.first or one.at
        self.last = one.at
        self.before.add(one.before)
        self.after.add(one.after)
        self.kinds[one.kind] += 1
        self._in_time(one)
        for name in DIMENSIONS:
            known = self._who[name]
            value = getattr(one.who, name)
            counts = known.get(value)
            if counts is None:
                counts = known[value] = Counter()
            counts["asked"] += 1
            if one.kind != "same":
                counts[one.kind] += 1
        if one.kind != "same" and len(self.examples[one.kind]) < self._most:
            self.examples[one.kind].append(one)

    def _in_time(self, one: Compared) -> None:
        second = one.at // SECOND
        counts = self._minutes.get(second)
        if counts is None:
            counts = self._minutes[second] = [0, 0, 0, 0]
        counts[0] += one.before.allowed
        counts[1] += not one.before.allowed
        counts[2] += one.after.allowed
        counts[3] += not one.after.allowed

    @property
    def changed(self) -> int:
        """Questions that would have been answered otherwise."""
        return self.questions - self.kinds["same"]

    # --- as JSON values -----------------------------------------------------------------------

    def by_dimension(self) -> dict[str, list[dict[str, Any]]]:
        """Who would have been answered otherwise, those with the most changes first."""
        found = {}
        for name, known in self._who.items():
            changed = [(value, counts) for value, counts in known.items() if _changes(counts)]
            changed.sort(key=lambda row: (-_changes(row[1]), row[0]))
            found[name] = [_row(value, counts) for value, counts in changed[:_MOST]]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """How often each rule decided, before and after."""
        names = sorted(self.before.rules.keys() | self.after.rules.keys())
        return [
            {"rule": name, "before": self.before.rules[name], "after": self.after.rules[name]}
            for name in names
        ]

    def told_examples(self) -> list[dict[str, Any]]:
        """Questions that would have been answered otherwise, in order of time."""
        listed = [one for kind in CHANGES for one in self.examples[kind]]
        return [_example(one) for one in sorted(listed, key=lambda one: one.at)]

    def series(self) -> dict[str, Any]:
        """Approvals and denials over time, in at most 120 equal steps."""
        if not self._minutes:
            return {"from": None, "step_seconds": 0, "before": {}, "after": {}}
        first, last = min(self._minutes), max(self._minutes)
        step = max(1, -(-(last - first + 1) // _STEPS))
        rows = [[0] * ((last - first) // step + 1) for _ in range(4)]
        for second, counts in self._minutes.items():
            for row, count in zip(rows, counts, strict=True):
                row[(second - first) // step] += count
        return {
            "from": to_text(first * SECOND),
            "step_seconds": step,
            "before": {"allowed": rows[0], "denied": rows[1]},
            "after": {"allowed": rows[2], "denied": rows[3]},
        }


def told_side(side: Side) -> dict[str, Any]:
    """A side as JSON values."""
    return {
        "approved": side.approved,
        "modified": side.modified,
        "denied": side.denied,
        "waited_seconds": side.waited / SECOND,
        "expected_cost_microusd": side.expected_cost,
        "denials_by_reason": dict(side.reasons.most_common()),
    }


def told_change(one: Compared) -> dict[str, Any]:
    """A question that would have been answered otherwise, as JSON values."""
    return _example(one)


def _changes(counts: Counter[str]) -> int:
    return sum(counts[kind] for kind in CHANGES)


def _row(value: str, counts: Counter[str]) -> dict[str, Any]:
    kinds: dict[str, int] = {kind: counts[kind] for kind in CHANGES}
    return {"id": value, "asked": counts["asked"], "changed": _changes(counts), **kinds}


def _example(one: Compared) -> dict[str, Any]:
    return {
        "intent_id": one.intent_id,
        "at": to_text(one.at),
        **asdict(one.who),
        "urgency": one.urgency,
        "change": one.kind,
        "before": plain(one.before),
        "after": plain(one.after),
    }
