"""What a new policy changes is told by the names of its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ratelord_core.daemon.rule_log import log_rules
from ratelord_core.events.payloads import PolicyUpdated
from ratelord_core.policy.difference import MOST, Difference, difference
from ratelord_core.testing.table import Table

BEFORE = """
pools: [{id: budget/day, limit: 9, window: {kind: calendar, every: day}}]
agents: {a: {weight: 2}}
policies:
  - {id: p, rules: [{name: one, action: deny, condition: "remaining < 1"}, {name: two, action: approve}]}
  - {id: q, scope: env:prod, limit: 5, rules: []}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("remaining < 1", "remaining < 2", "~ rule p/one"),
        (", {name: two, action: approve}", "", "- rule p/two"),
        ("{name: two, action", "{name: three, action", "+ rule p/three; - rule p/two"),
        ("env:prod", "env:dev", "~ policy q"),
        ("limit: 5", "limit: 6", "~ policy q"),
        ("limit: 9", "limit: 8", "~ pool budget/day"),
        ("weight: 2", "weight: 3", "~ agent a"),
        ("agents:", "settings: {hold_ttl: 5s}\nagents:", "~ setting hold_ttl"),
        ("agents:", "# only a comment\nagents:", ""),
        ("agents: {a: {weight: 2}}", "scopes: {a: global}", "+ scope a; - agent a"),
        ("rules: [{name: one", "rules: [  {name: one", ""),
    ],
)
def test_each_change_is_named(
    load_policy: Callable[..., Any], old: str, new: str, said: str
) -> None:
    before, after = load_policy(BEFORE).document, load_policy(BEFORE.replace(old, new)).document
    assert difference(before, after).text() == said


def test_another_order_alone_is_a_change_too(load_policy: Callable[..., Any]) -> None:
    before = load_policy("policies: [{id: a, rules: []}, {id: b, rules: []}]").document
    after = load_policy("policies: [{id: b, rules: []}, {id: a, rules: []}]").document
    assert difference(before, after) == Difference(changed=("order of policies",))
    assert difference(before, before) == Difference()


def test_of_very_many_changes_the_first_are_named(load_policy: Callable[..., Any]) -> None:
    many = load_policy("agents: {" + ", ".join(f"a{n}: {{}}" for n in range(MOST + 5)) + "}")
    found = difference(load_policy("{}").document, many.document)
    assert len(found.added) == MOST + 1
    assert found.added[-1] == "5 more"


def test_the_event_carries_the_difference_even_after_a_restart() -> None:
    table = Table(BEFORE)
    table.configure(BEFORE.replace("remaining < 1", "remaining < 3"))
    table.restart()
    table.configure(BEFORE.replace("name: two", "name: three"))
    first, second, third = table.events(PolicyUpdated)
    assert "rule p/one" in first.added
    assert (second.added, second.removed, second.changed) == ((), (), ("rule p/one",))
    assert (third.added, third.removed) == (("rule p/three",), ("rule p/two",))
    assert third.changed == ("rule p/one",)


def test_every_rule_that_is_looked_at_can_be_logged(caplog: pytest.LogCaptureFixture) -> None:
    table = Table(BEFORE)
    table.engine.negotiator.watcher = log_rules
    with caplog.at_level("INFO"):
        decision = table.ask()
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith(f"{decision.intent_id} rule p/one (global): did not hold; remaining")
    assert lines[1:] == [
        f"{decision.intent_id} rule p/two (global): held → approve; true; saw {{}}",
        f"{decision.intent_id} {decision.decision}: {decision.reason}",
    ]
    assert not decision.trace
