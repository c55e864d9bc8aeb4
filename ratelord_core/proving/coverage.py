"""Which rules of a policy the cases reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from ratelord_core.model.config import Document
from ratelord_core.model.decision import TraceStep


class RuleCover(msgspec.Struct, frozen=True):
    """One rule: how often it was looked at, and how often its condition held."""

    policy_file: str
    policy_id: str
    rule: str
    line: int
    column: int
    looked_at: int
    held: int


class Cover:
    """Counts over the cases of one policy file. A rule is covered if it held at least once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._looked: Counter[tuple[str, str]] = Counter()
        self._held: Counter[tuple[str, str]] = Counter()

    def add(self, trace: Iterable[TraceStep]) -> None:
        """The rules that one answer looked at."""
        for step in trace:
            name = (step.policy_id, step.rule)
            self._looked[name] += 1
            self._held[name] += step.result

    def rules(self) -> list[RuleCover]:
        """Every rule of the policy, in file order."""
        return [
            RuleCover(
                self._document.source,
                policy.id,
                rule.name,
                rule.line,
                rule.column,
                self._looked[policy.id, rule.name],
                self._held[policy.id, rule.name],
            )
            for policy in self._document.policies
            for rule in policy.rules
        ]


def percent(rules: Iterable[RuleCover]) -> float:
    """The share of rules that held, in percent; 100 if there are none."""
    held = [rule.held > 0 for rule in rules]
    return 100.0 * sum(held) / len(held) if held else 100.0
