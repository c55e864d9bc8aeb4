"""A delay controller with its gains, as one that a scenario is played with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import yaml
from msgspec.structs import replace

from ratelord_core.control import ControllerFactory
from ratelord_core.errors import RatelordError
from ratelord_core.model.config import PolicyConfig, RuleConfig
from ratelord_core.policy.reading import nearest
from ratelord_sim.scenario.model import Scenario

NOBODY: Final = "none"
"""Plays without any controller."""
USUAL: Final = (NOBODY, "pid", "aimd", "pace:demand=false", "pace")
"""Who plays if nobody is named."""
_ALGORITHM: Final = "algorithm"

Controllers = Mapping[str, ControllerFactory[Any]]


class Entrant(msgspec.Struct, frozen=True):
    """``name`` is what was written: a controller, and after a colon its gains. ``params`` are what
    takes the place of a rule's; None: the rule is left out."""

    name: str
    params: dict[str, Any] | None


def entrant(written: str, controllers: Controllers) -> Entrant:
    """``pace``, ``none``, ``pid:kp=4,ki=40``. Raises ``RatelordError`` that says what is wrong."""
    name, _, gains = written.partition(":")
    if name == NOBODY:
        if gains:
            raise RatelordError(f"{written}: {NOBODY} has no gains; write {NOBODY} alone")
        return Entrant(written, None)
    factory = controllers.get(name)
    if factory is None:
        known = (NOBODY, *sorted(controllers))
        hint = nearest(name, known, few=20) or f"known are {', '.join(known)}"
        raise RatelordError(f"no delay controller is called {name!r}; {hint}")
    params = {_ALGORITHM: name} | dict(_gain(each, written) for each in gains.split(",") if each)
    unknown = params.keys() - set(factory.params.__struct_encode_fields__)
    try:
        msgspec.convert(params, factory.params)
    except msgspec.ValidationError as error:
        raise RatelordError(f"{written}: {error}") from error
    if unknown:
        known = tuple(factory.params.__struct_encode_fields__)
        hint = nearest(min(unknown), known, few=20) or f"known are {', '.join(known)}"
        raise RatelordError(f"{written}: {name} has no parameter {min(unknown)!r}; {hint}")
    return Entrant(written, params)


def _gain(each: str, written: str) -> tuple[str, Any]:
    name, sign, value = each.partition("=")
    if not sign or not value:
        raise RatelordError(f"{written}: {each!r} is no gain; write {name or 'kp'}=VALUE")
    return name.strip(), _value(value)


def _value(written: str) -> Any:
    try:  # YAML takes 1e3 for a text
        return float(written)
    except ValueError:
        return yaml.safe_load(written)


def with_entrant(scenario: Scenario, one: Entrant, controllers: Controllers) -> Scenario:
    """The scenario, with this controller in every rule that names one. Raises ``RatelordError`` if
    none does."""
    document = scenario.document
    policies = [_replaced(policy, one, controllers) for policy in document.policies]
    if not any(_steers(rule, controllers) for each in document.policies for rule in each.rules):
        raise RatelordError(
            f"{scenario.source}: no rule names a delay controller; give one the action shape with "
            f"params: {{algorithm: pace}}"
        )
    return replace(scenario, document=replace(document, policies=tuple(policies)))


def _replaced(policy: PolicyConfig, one: Entrant, controllers: Controllers) -> PolicyConfig:
    rules: Sequence[RuleConfig] = policy.rules
    if one.params is None:
        rules = [rule for rule in rules if not _steers(rule, controllers)]
    else:
        rules = [
            replace(rule, params=one.params) if _steers(rule, controllers) else rule
            for rule in rules
        ]
    return replace(policy, rules=tuple(rules))


def _steers(rule: RuleConfig, controllers: Controllers) -> bool:
    return str(rule.params.get(_ALGORITHM, "")) in controllers
