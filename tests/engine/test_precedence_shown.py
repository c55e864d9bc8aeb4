"""What binds somebody is listed in the order in which it is looked at."""

from __future__ import annotations

from ratelord_core.model.dimensions import Dimensions
from ratelord_core.testing.table import Table

POLICY = """
pools: [{id: a/b, limit: 5, unit: calls, window: {kind: sliding, every: 1h}}]
workloads: {one: {}, two: {}}
scopes: {repo:acme/*: org:acme, org:acme: global}
policies:
  - {id: mine, scope: agent:me, rules: [{name: r, action: warn, params: {message: m}}]}
  - {id: pool, scope: 'pool:a/b', rules: [{name: r, action: warn, params: {message: m}}]}
  - {id: repo, scope: 'repo:acme/*', rules: [{name: r, action: warn, params: {message: m}}]}
  - {id: org, scope: org:acme, rules: [{name: r, action: warn, params: {message: m}}]}
  - {id: late, rules: [{name: r, action: warn, params: {message: m}}]}
  - {id: first, rules: [{name: r, action: warn, priority: 5, params: {message: m}}]}
"""


def test_rules_stand_by_level_then_priority_then_order_of_the_file() -> None:
    table = Table(POLICY)
    who = Dimensions("me", "key:x", "sentinel:unknown", "repo:acme/api")
    found = table.engine.surveyor.constraints(who, table.now)
    rules = [one for one in found if one.kind == "rule"]
    assert [one.id for one in rules] == [
        f"{name}/r" for name in ("first", "late", "org", "repo", "pool", "mine")
    ]
    assert rules[0].text == "warn always; level global, priority 5"
