"""A rule, compiled: what it reads, when it holds, what it does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ratelord_core.errors import Finding, PolicyError
from ratelord_core.model.config import Document, PolicyConfig
from ratelord_core.policy.action import (
    Approve,
    Capping,
    Count,
    Deny,
    Effect,
    Instead,
    Notify,
    Pace,
    PolicyAction,
    Wait,
    WaitForReset,
    Warn,
)
from ratelord_core.policy.condition import Condition, ConditionError, Conditions, EvaluationError
from ratelord_core.policy.inputs import Inputs
from ratelord_core.policy.params import ParamsError, convert
from ratelord_core.policy.schedule import Schedule

_EFFECTS = (Approve, Warn, Wait, WaitForReset, Pace, Deny, Instead, Count, Notify)


_NO_ID = re.compile(r"[^A-Za-z0-9._:@+-]")


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one rule: ``effect`` None = it does not apply, because its condition does not
    hold or (``outside``) because it is not its time."""

    effect: Effect | None
    outside: bool = False


class Rule:
    """One rule of one policy."""

    __slots__ = (
        "_action",
        "_params",
        "cap",
        "condition",
        "config",
        "gate",
        "index",
        "label",
        "name",
        "number",
        "of_pool",
        "order",
        "policy_id",
        "schedule",
        "soft",
    )

    def __init__(
        self,
        policy: PolicyConfig,
        index: int,
        number: int,
        order: tuple[int, int, int],
        condition: Condition,
        action: PolicyAction[Any],
        *,
        caps: bool,
    ) -> None:
        config = policy.rules[index]
        self.policy_id = policy.id
        self.name = config.name
        self.label = (policy.id, config.name)
        self.index = index
        self.number = number
        """Its place among all rules of the document, from 0."""
        self.config = config
        self.soft = policy.type == "soft"
        self.order = order
        """Sorts the rules of one level: higher priority first, then file order."""
        self.condition = condition
        self.schedule = Schedule(config.time_window) if config.time_window else None
        self.gate = None if self.schedule else condition.gate
        """A comparison without which it does not apply; None: there is none."""
        self._action = action
        self._params = convert(action, config.params)
        self.cap = cap_key(policy.id, config.name) if caps else ""
        """The pool that its cap is, if it brings one along."""
        self.of_pool = policy.scope.startswith("pool:")

    @property
    def always(self) -> bool:
        """Whether it applies to every intent of its scope, from what pools it may draw."""
        return self.schedule is None and self.condition.constant is True and not self.of_pool

    def try_on(self, given: Inputs) -> Outcome:
        """Look at one intent. Whatever goes wrong denies, and says what it was."""
        if self.schedule is not None and not self.schedule.contains(given.situation.now):
            return Outcome(None, outside=True)
        try:
            holds = self.condition.constant
            if holds is None:
                holds = self.condition.holds(given)
        except EvaluationError as error:
            return _failed(f"its condition has no value: {error}")
        except Exception as error:  # noqa: BLE001 (a plugin's forecast or graph may raise anything)
            return _failed(f"its condition could not be read: {_shown(error)}")
        return self._act(given) if holds else NOT

    def _act(self, given: Inputs) -> Outcome:
        try:
            effect = self._action.apply(self._params, given.meant)
        except Exception as error:  # noqa: BLE001 (an action is a plugin: it may raise anything)
            return _failed(f"action {self.config.action!r} failed: {_shown(error)}")
        wrong = _wrong(effect)
        if wrong:
            return _failed(f"action {self.config.action!r} gave {wrong}")
        return Outcome(effect)


_SPANS: Mapping[type, str] = {
    Wait: "span",
    WaitForReset: "jitter",
    Deny: "retry_after",
    Notify: "every",
}

NOT = Outcome(None)
"""The condition does not hold."""


def _failed(failure: str) -> Outcome:
    return Outcome(Deny(failure))


def _shown(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _wrong(effect: object) -> str:
    if not isinstance(effect, _EFFECTS):
        return f"{type(effect).__name__}, which is no effect"
    span = _SPANS.get(type(effect))
    value = getattr(effect, span) if span else 0
    if value is None and isinstance(effect, Deny):
        return ""
    if type(value) is not int or value < 0:
        return f"{type(effect).__name__} with {span} {value!r}, which is no span of µs"
    return ""


def cap_key(policy_id: str, rule: str) -> str:
    """The pool that a rule's cap is."""
    return f"policy/{policy_id}/{_NO_ID.sub('-', rule)}"


def compile_rules(
    document: Document, actions: Mapping[str, PolicyAction[Any]], conditions: Conditions
) -> list[tuple[PolicyConfig, list[Rule]]]:
    """Every policy of a document with its compiled rules.

    Raises ``PolicyError`` with every rule that cannot be compiled: an action that is gone, a
    condition that this version does not understand.
    """
    findings: list[Finding] = []
    compiled = []
    before = 0
    capping = {name for name, one in actions.items() if isinstance(one, Capping)}
    for at, policy in enumerate(document.policies):
        rules: list[Rule] = []
        for index, config in enumerate(policy.rules):
            try:
                action = _named(config.action, actions)
                condition = conditions.compile(config.condition)
                order = (-config.priority, at, index)
                caps = config.action in capping
                number = before + index
                rules.append(Rule(policy, index, number, order, condition, action, caps=caps))
            except (ConditionError, ParamsError, LookupError) as error:
                message = f"policy {policy.id!r} rule {config.name!r}: {error.args[0]}"
                findings.append(Finding(message, config.line, config.column))
        before += len(policy.rules)
        compiled.append((policy, rules))
    if findings:
        raise PolicyError(document.source, findings)
    return compiled


def _named(name: str, actions: Mapping[str, PolicyAction[Any]]) -> PolicyAction[Any]:
    if name not in actions:
        raise LookupError(f"no action is called {name!r}")
    return actions[name]
