"""The section ``policies``: rules, checked down to the last character of their conditions."""

from __future__ import annotations

import yaml

from ratelord_core.model.config import PolicyConfig, RuleConfig
from ratelord_core.model.ids import is_id
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window
from ratelord_core.policy.condition import ConditionError
from ratelord_core.policy.fields import Fields, entries, items, tree
from ratelord_core.policy.params import ParamsError, convert
from ratelord_core.policy.reading import Reading, nearest
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
    limit, unit, refill = _limit(fields)
    if limit is not None and scope.startswith("pool:"):
        message = "a limit on a pool's policy"
        place = fields.at("limit") or fields.node
        hint = f"set the limit under pools: {{id: {scope[5:]}, limit: {limit}}}"
        fields.reading.found(place, fields.path_of("limit"), message, hint)
    rules = fields.at("rules")
    policy = PolicyConfig(
        id=policy_id,
        scope=scope,
        type=kind,  # type: ignore[arg-type]  # one of them
        limit=limit,
        limit_unit=unit,
        limit_window=refill,
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


def _limit(fields: Fields) -> tuple[int | None, str, Window | None]:
    node = fields.at("limit")
    path = fields.path_of("limit")
    if node is None:
        return None, "requests", None
    if not isinstance(node, yaml.MappingNode):
        return whole(node, path, fields.reading), "requests", None
    inner = Fields(node, path, fields.reading)
    amount = inner.need(whole, "amount")
    unit, refill = inner.get(text, "requests", "unit"), inner.maybe(window, "window")
    inner.close()
    return amount, unit, refill


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
            convert(fields.reading.actions[action], params)
        except ParamsError as error:
            for fault in error.faults:
                place = given[fault.key][1] if fault.key in given else node or fields.node
                if fault.key in given and "has no parameter" in fault.message:
                    place = given[fault.key][0]
                where = f"{path}.{fault.key}" if fault.key else path
                fields.reading.found(place, where, fault.message, fault.hint)
    return params


def limit_pools(policies: tuple[PolicyConfig, ...]) -> tuple[Pool, ...]:
    """The local pools that the limits of policies are; who draws follows from their scope."""
    return tuple(
        Pool(
            OWN[1],
            policy.id,
            policy.limit_unit,
            policy.limit,
            policy.limit_window or NEVER_REFILLS,
            local=True,
            shared_by=_shared_by(policy.scope),
        )
        for policy in policies
        if policy.limit is not None
    )


def _shared_by(scope: str) -> tuple[str, ...]:
    if scope == "global":
        return ("*",)
    kind, _, name = scope.partition(":")
    # An identity or agent may be called "pat:rmax" or "identity:rmax": both are meant.
    return (name, scope) if kind in ("identity", "agent") else (scope,)
