"""The section ``policies``: rules, checked down to the last character of their conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml
from msgspec.structs import replace

from ratelord_core.model.config import PolicyConfig, RuleConfig
from ratelord_core.model.ids import is_id, split_pool_key
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window
from ratelord_core.policy.action import Cap, Capping, PolicyAction
from ratelord_core.policy.condition import ConditionError
from ratelord_core.policy.fields import Fields, entries, items, scalars, tree
from ratelord_core.policy.params import ParamsError, convert
from ratelord_core.policy.reading import Mention, Reading, nearest
from ratelord_core.policy.rule import cap_key
from ratelord_core.policy.section_division import check_division, per, reserve
from ratelord_core.policy.section_pools import OWN
from ratelord_core.policy.values import flag, integer, name, one_of, text, title, whole
from ratelord_core.policy.windows import time_window, window

NEVER_REFILLS = Window(kind="fixed")
"""The window of a bare ``limit``: used up once, it stays used up."""


def read_policies(node: yaml.Node, reading: Reading) -> tuple[PolicyConfig, ...]:
    """Every policy, in file order."""
    found: dict[str, PolicyConfig] = {}
    for item, path in items(node, "policies", reading):
        fields = Fields(item, path, reading)
        policy_id = fields.need(name, "id") or ""
        policy = _policy(policy_id, fields)
        if policy_id and policy_id in found:
            reading.found(item, path, f"policy {policy_id!r} stands twice")
        found.setdefault(policy_id, policy)
    return tuple(found.values())


def _policy(policy_id: str, fields: Fields) -> PolicyConfig:
    scope = fields.get(_scope, "global", "scope")
    kind = fields.get(one_of("hard", "soft"), "hard", "type")
    limit = _limit(fields)
    if limit.amount is not None and scope.startswith("pool:"):
        message = "a limit on a pool's policy"
        place = fields.at("limit") or fields.node
        hint = f"set the limit under pools: {{id: {scope[5:]}, limit: {limit.amount}}}"
        fields.reading.found(place, fields.path_of("limit"), message, hint)
    rules = fields.at("rules")
    policy = PolicyConfig(
        id=policy_id,
        scope=scope,
        type=kind,  # type: ignore[arg-type]  # one of them
        limit=limit.amount,
        limit_unit=limit.unit,
        limit_window=limit.window,
        limit_per=limit.per,
        limit_reserve=limit.reserve,
        rules=_rules(rules, fields) if rules is not None else (),
        line=fields.node.start_mark.line + 1,
    )
    fields.close()
    return policy


def _scope(node: yaml.Node, path: str, reading: Reading) -> str | None:
    value = text(node, path, reading)
    if value is None or is_id(value.removesuffix("*")):
        return value
    hint = "write global, org:…, env:…, repo:…, pool:…, identity:… or agent:…"
    reading.found(node, path, f"{value!r} is no scope", hint)
    return None


def _mention(fields: Fields, action: str, made: Any, given: Mapping[str, Any]) -> None:
    """Remember what parameters name: it is checked when all names are known."""
    asked = fields.reading.naming.get(action)
    for named in () if asked is None else asked.names(made):
        whole_, path = given[named.key][1], f"{fields.path_of('params')}.{named.key}"
        place = next((one for one in scalars(whole_) if one.value == named.name), whole_)
        fields.reading.mentioned.append(Mention(place, path, named.kind, named.name))


class _Limit(NamedTuple):
    """What a policy's ``limit`` says."""

    amount: int | None = None
    unit: str = "requests"
    window: Window | None = None
    per: str = ""
    reserve: int | None = None


def _limit(fields: Fields) -> _Limit:
    node = fields.at("limit")
    path = fields.path_of("limit")
    if node is None:
        return _Limit()
    if not isinstance(node, yaml.MappingNode):
        return _Limit(whole(node, path, fields.reading))
    inner = Fields(node, path, fields.reading)
    limit = _Limit(
        inner.need(whole, "amount"),
        inner.get(text, "requests", "unit"),
        inner.maybe(window, "window"),
        inner.get(per, "", "per"),
        inner.maybe(reserve, "reserve"),
    )
    check_division(inner, limit.per, limit.window, ())
    inner.close()
    return limit


def _rules(node: yaml.Node, fields: Fields) -> tuple[RuleConfig, ...]:
    found: dict[str, RuleConfig] = {}
    for item, path in items(node, fields.path_of("rules"), fields.reading):
        rule = _rule(Fields(item, path, fields.reading))
        if rule.name in found:
            message = f"rule {rule.name!r} stands twice in this policy"
            fields.reading.found(item, path, message)
        found.setdefault(rule.name, rule)
    return tuple(found.values())


def _rule(fields: Fields) -> RuleConfig:
    action = fields.need(_action, "action") or ""
    rule = RuleConfig(
        name=fields.need(title, "name") or f"rule at line {fields.node.start_mark.line + 1}",
        action=action,
        condition=fields.get(_condition, "true", "condition"),
        priority=fields.get(integer, 0, "priority"),
        params=_params(fields, action),
        time_window=fields.maybe(time_window, "time_window"),
        overridable=fields.get(flag, False, "overridable"),
        line=fields.node.start_mark.line + 1,
        column=fields.node.start_mark.column + 1,
    )
    fields.close()
    return rule


def _condition(node: yaml.Node, path: str, reading: Reading) -> str | None:
    value = text(node, path, reading)
    if value is None or not isinstance(node, yaml.ScalarNode):
        return None
    try:
        reading.conditions.compile(value)
    except ConditionError as error:
        for problem in error.problems:
            message = f"condition: {problem.message}"
            reading.found_inside(node, problem.offset, path, message, problem.hint)
        return None
    return value


def _action(node: yaml.Node, path: str, reading: Reading) -> str | None:
    value = text(node, path, reading)
    if value is None or value in reading.actions:
        return value
    message = f"no action is called {value!r}"
    reading.found(node, path, message, nearest(value, reading.actions))
    return None


def _params(fields: Fields, action: str) -> dict[str, object]:
    node, path = fields.at("params"), fields.path_of("params")
    given = entries(node, path, fields.reading) if node is not None else {}
    params = {
        key: tree(value, f"{path}.{key}", fields.reading) for key, (_, value) in given.items()
    }
    if action in fields.reading.actions:
        try:
            made = convert(fields.reading.actions[action], params)
            _mention(fields, action, made, given)
        except ParamsError as error:
            for fault in error.faults:
                place = given[fault.key][1] if fault.key in given else node or fields.node
                if fault.key in given and "has no parameter" in fault.message:
                    place = given[fault.key][0]
                where = f"{path}.{fault.key}" if fault.key else path
                fields.reading.found(place, where, fault.message, fault.hint)
    return params


def limit_pools(
    policies: tuple[PolicyConfig, ...], actions: Mapping[str, PolicyAction[Any]]
) -> tuple[Pool, ...]:
    """The local pools that the limits of policies and the caps of their rules are; who draws
    follows from the policy's scope. A soft policy's count, and do not bind."""
    found = []
    capping = {name for name, one in actions.items() if isinstance(one, Capping)}
    for policy in policies:
        shape = Pool(
            OWN[1],
            policy.id,
            local=True,
            shared_by=_shared_by(policy.scope),
            soft=policy.type == "soft",
        )
        if policy.limit is not None:
            found.append(
                replace(
                    shape,
                    unit=policy.limit_unit,
                    limit=policy.limit,
                    window=policy.limit_window or NEVER_REFILLS,
                    per=policy.limit_per,
                    reserve=policy.limit_reserve,
                )
            )
        found += [
            _cap_pool(shape, rule, actions[rule.action])
            for rule in policy.rules
            if rule.action in capping
        ]
    return tuple(found)


def _cap_pool(shape: Pool, rule: RuleConfig, action: Any) -> Pool:
    try:
        cap: Cap = action.cap(convert(action, rule.params))
    except ParamsError:  # told already, where the parameters were read
        return shape
    key = split_pool_key(cap_key(shape.pool_id, rule.name))[1]
    return replace(
        shape,
        pool_id=key,
        unit=cap.unit,
        limit=cap.limit,
        window=cap.window,
        per=cap.per,
        reserve=cap.reserve,
    )


def _shared_by(scope: str) -> tuple[str, ...]:
    if scope == "global":
        return ("*",)
    kind, _, name = scope.partition(":")
    # An identity or agent may be called "pat:rmax" or "identity:rmax": both are meant.
    return (name, scope) if kind in ("identity", "agent") else (scope,)
