"""A rule, compiled: what it reads, when it holds, what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ratelord_core.errors import Finding, PolicyError
from ratelord_core.model.config import Document, PolicyConfig, RuleConfig
from ratelord_core.policy.action import (
    Approve,
    Deny,
    Effect,
    PolicyAction,
    Wait,
    WaitForReset,
    Warn,
)
from ratelord_core.policy.condition import Condition, ConditionError, Conditions, EvaluationError
from ratelord_core.policy.inputs import Inputs
from ratelord_core.policy.params import ParamsError, convert
from ratelord_core.policy.schedule import Schedule

_EFFECTS = (Approve, Warn, Wait, WaitForReset, Deny)


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one rule: ``effect`` None = it does not apply; ``note`` says why, if its
    condition is not the reason."""

    effect: Effect | None
    inputs: dict[str, Any]
    note: str = ""


class Rule:
    """One rule of one policy."""

    __slots__ = (
        "_action",
        "_params",
        "condition",
        "config",
        "index",
        "name",
        "order",
        "policy_id",
        "schedule",
        "soft",
    )

    def __init__(
        self,
        policy: PolicyConfig,
        index: int,
        order: tuple[int, int, int],
        condition: Condition,
        action: PolicyAction[Any],
    ) -> None:
        config = policy.rules[index]
        self.policy_id = policy.id
        self.name = config.name
        self.index = index
        self.config = config
        self.soft = policy.type == "soft"
        self.order = order
        """Sorts the rules of one level: higher priority first, then file order."""
        self.condition = condition
        self.schedule = Schedule(config.time_window) if config.time_window else None
        self._action = action
        self._params = convert(action, config.params)

    def try_on(self, given: Inputs) -> Outcome:
        """Look at one intent. Whatever goes wrong denies, and says what it was."""
        inputs: dict[str, Any] = {}
        if self.schedule is not None and not self.schedule.contains(given.situation.now):
            return Outcome(None, inputs, "outside its time window")
        try:
            holds = self.condition.constant
            if holds is None:
                values = given.values
                for name in self.condition.names:
                    inputs[name] = values[name]
                holds = self.condition.holds(inputs)
        except EvaluationError as error:
            return _failed(inputs, f"its condition has no value: {error}")
        except Exception as error:  # noqa: BLE001 (a plugin's forecast or graph may raise anything)
            return _failed(inputs, f"its condition could not be read: {_shown(error)}")
        return Outcome(None, inputs) if not holds else self._act(given, inputs)

    def _act(self, given: Inputs, inputs: dict[str, Any]) -> Outcome:
        try:
            effect = self._action.apply(self._params, given.situation)
        except Exception as error:  # noqa: BLE001 (an action is a plugin: it may raise anything)
            return _failed(inputs, f"action {self.config.action!r} failed: {_shown(error)}")
        wrong = _wrong(effect)
        if wrong:
            return _failed(inputs, f"action {self.config.action!r} gave {wrong}")
        return Outcome(effect, inputs)


def _failed(inputs: dict[str, Any], failure: str) -> Outcome:
    return Outcome(Deny(failure), inputs)


def _shown(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _wrong(effect: object) -> str:
    if not isinstance(effect, _EFFECTS):
        return f"{type(effect).__name__}, which is no effect"
    span = {Wait: "span", WaitForReset: "jitter", Deny: "retry_after"}.get(type(effect))
    value = getattr(effect, span) if span else 0
    if value is None and isinstance(effect, Deny):
        return ""
    if type(value) is not int or value < 0:
        return f"{type(effect).__name__} with {span} {value!r}, which is no span of µs"
    return ""


def compile_rules(
    document: Document, actions: Mapping[str, PolicyAction[Any]], conditions: Conditions
) -> list[tuple[PolicyConfig, list[Rule]]]:
    """Every policy of a document with its compiled rules.

    Raises ``PolicyError`` with every rule that cannot be compiled: an action that is gone, a
    condition that this version does not understand.
    """
    findings: list[Finding] = []
    compiled = []
    for at, policy in enumerate(document.policies):
        rules: list[Rule] = []
        for index, config in enumerate(policy.rules):
            try:
                rules.append(_compile(policy, index, at, actions, conditions))
            except (ConditionError, ParamsError, LookupError) as error:
                message = f"policy {policy.id!r} rule {config.name!r}: {error.args[0]}"
                findings.append(Finding(message, config.line, config.column))
        compiled.append((policy, rules))
    if findings:
        raise PolicyError(document.source, findings)
    return compiled


def _compile(
    policy: PolicyConfig,
    index: int,
    at: int,
    actions: Mapping[str, PolicyAction[Any]],
    conditions: Conditions,
) -> Rule:
    config: RuleConfig = policy.rules[index]
    if config.action not in actions:
        raise LookupError(f"no action is called {config.action!r}")
    condition = conditions.compile(config.condition)
    return Rule(policy, index, (-config.priority, at, index), condition, actions[config.action])
