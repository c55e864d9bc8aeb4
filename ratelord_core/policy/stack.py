"""The policy in force: a document, its compiled rules, and the verdict on one intent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ratelord_core.graph.protocol import Binding
from ratelord_core.model.config import Document
from ratelord_core.model.intent import Intent
from ratelord_core.policy.action import PolicyAction
from ratelord_core.policy.arbitration import Arbitration
from ratelord_core.policy.condition import Conditions
from ratelord_core.policy.document import canonical
from ratelord_core.policy.function import ConditionFunction
from ratelord_core.policy.index import Level, RuleIndex
from ratelord_core.policy.reader import read_document
from ratelord_core.policy.rule import Rule, compile_rules
from ratelord_core.policy.situation import Situation
from ratelord_core.policy.verdict import PASS, PolicyVerdict


class PolicyStack:
    """Rules from the top down: global safety, scopes from root to leaf, pools, identity and agent.

    Immutable; a new policy is a new stack.
    """

    def __init__(self, document: Document, index: RuleIndex, rules: Sequence[Rule] = ()) -> None:
        self.document = document
        self.rules = rules
        self.version = document.version
        self._index = index
        self.caps_at_times = frozenset(one.cap for one in rules if one.cap and not one.always)
        """The pools of caps that rules bring along which do not apply to every intent."""
        self.text = canonical(document)
        """The document as the log has it."""

    def levels(self, binding: Binding, intent: Intent) -> tuple[Level, ...]:
        """The rules that may bind an intent of these names."""
        return self._index.levels(binding, intent)

    @staticmethod
    def evaluate(
        levels: tuple[Level, ...], situation: Situation, waived: tuple[str, str] | None = None
    ) -> PolicyVerdict:
        """What these rules make of an intent, but for the one that is waived (policy id and name).
        ``PASS``, without computing anything, if there are none."""
        return Arbitration(situation, waived).over(levels) if levels else PASS

    def is_overridable(self, policy_id: str, rule: str) -> bool:
        """Whether a human may set this rule aside once."""
        return any(
            one.overridable
            for policy in self.document.policies
            if policy.id == policy_id
            for one in policy.rules
            if one.name == rule
        )


def compile_policy(
    document: Document,
    actions: Mapping[str, PolicyAction[Any]],
    conditions: Conditions | None = None,
) -> PolicyStack:
    """The document, ready to judge. Raises ``PolicyError`` naming every rule that cannot be
    compiled."""
    compiled = compile_rules(document, actions, conditions or Conditions())
    rules = [rule for _, each in compiled for rule in each]
    return PolicyStack(document, RuleIndex(compiled), rules)


def let_go(stacks: list[PolicyStack]) -> None:
    """Free these policies, whose last references these are, bit by bit: all at once would take a
    tenth of a second of everybody's time."""
    while stacks:
        stack = stacks.pop()
        parts: list[Any] = [one for policy in stack.document.policies for one in policy.rules]
        parts += stack.rules
        del stack
        while parts:
            parts.pop()


def load(
    text: str | bytes,
    source: str,
    actions: Mapping[str, PolicyAction[Any]],
    providers: Collection[str],
    models: Collection[str] = (),
    functions: Iterable[ConditionFunction] = (),
) -> PolicyStack:
    """A policy file's text as a stack. Raises ``PolicyError`` with every finding."""
    conditions = Conditions(functions)
    document = read_document(text, source, actions, providers, conditions, models)
    return compile_policy(document, actions, conditions)
