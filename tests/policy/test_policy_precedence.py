"""The table of precedence, tried pair by pair, and against a reading of it that is as plain as can be."""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core.testing.table import Table

LEVELS = ("global", "org:acme", "repo:acme/api", "pool:local/api", "identity:pat:x", "agent:bot")
"""From the top down; identity and agent are one level."""
PAIRS = [pair for pair in combinations(LEVELS, 2) if pair != ("identity:pat:x", "agent:bot")]
WORLD = """
pools: [{id: api, limit: 1000, window: {kind: fixed, every: 1h}}]
scopes: {"repo:acme/*": "org:acme"}
pricing: {llm: {input: 1000}}
"""


class Policy(NamedTuple):
    scope: str
    kind: str
    rules: tuple[tuple[str, int], ...]


def table_of(*policies: Policy) -> Table:
    lines = ["policies:"]
    for at, policy in enumerate(policies):
        lines.append(
            f'  - id: p{at}\n    scope: "{policy.scope}"\n    type: {policy.kind}\n    rules:'
        )
        for n, (action, priority) in enumerate(policy.rules):
            name, _, params = action.partition(" ")
            lines.append(
                f"      - {{name: r{n}, action: {name}, priority: {priority}, params: {{{params}}}}}"
            )
    return Table(WORLD + ("\n".join(lines) if policies else ""))


def ask(table: Table, **fields: Any) -> Any:
    return table.ask(
        agent_id="bot",
        identity_id="pat:x",
        scope_id="repo:acme/api",
        **({"costs": {"llm/input": 10}} | fields),
    )


def one(scope: str, action: str, kind: str = "hard", priority: int = 0) -> Policy:
    return Policy(scope, kind, ((action, priority),))


@pytest.mark.parametrize(("higher", "lower"), PAIRS)
def test_what_a_level_denies_no_lower_one_permits(higher: str, lower: str) -> None:
    table = table_of(one(lower, "approve", priority=99), one(higher, "deny"))
    answer = ask(table)
    assert (answer.allowed, answer.decided_by.policy_id) == (False, "p1")


@pytest.mark.parametrize(("higher", "lower"), PAIRS)
def test_what_a_level_approves_a_lower_one_may_still_deny(higher: str, lower: str) -> None:
    table = table_of(one(higher, "approve"), one(lower, "deny"))
    answer = ask(table)
    assert (answer.allowed, answer.decided_by.policy_id) == (False, "p1")


@pytest.mark.parametrize(("higher", "lower"), PAIRS)
def test_the_longest_wait_of_all_levels_holds(higher: str, lower: str) -> None:
    for long, short in ((higher, lower), (lower, higher)):
        table = table_of(one(long, "delay wait_seconds: 9"), one(short, "delay wait_seconds: 4"))
        answer = ask(table)
        assert (answer.modifications.wait, answer.decided_by.policy_id) == (9_000_000, "p0")


@pytest.mark.parametrize("level", LEVELS)
def test_on_one_level_priority_goes_first_and_then_the_file(level: str) -> None:
    approve, deny = "approve", "deny"
    for rules, allowed in (
        (((approve, 1), (deny, 0)), True),
        (((approve, 0), (deny, 1)), False),
        (((approve, 0), (deny, 0)), True),
        (((deny, 0), (approve, 0)), False),
    ):
        assert ask(table_of(Policy(level, "hard", rules))).allowed is allowed


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("action", ["deny", "delay wait_seconds: 5", "defer"])
def test_a_soft_policy_says_so_and_binds_nobody(level: str, action: str) -> None:
    answer = ask(table_of(one(level, action, "soft")))
    assert answer.decision == "approve"
    assert len(answer.warnings) == 1


@pytest.mark.parametrize("level", [level for level in LEVELS if not level.startswith("pool:")])
def test_a_limit_on_a_level_counts_all_that_is_below_it(level: str) -> None:
    limit = f'policies: [{{id: p, scope: "{level}", limit: {{amount: 3, window: {{kind: fixed, every: 1h}}}}}}]'
    table = Table(WORLD + limit)
    assert [ask(table, costs={}, max_wait=0).allowed for _ in range(4)] == [True] * 3 + [False]
    assert table.figures("policy/p").held == 3
    if level in ("global", "org:acme"):
        assert not table.ask(scope_id="repo:acme/other", max_wait=0).allowed


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_a_budget_on_a_level_holds_whatever_is_approved_there(level: str, kind: str) -> None:
    rules = (("approve", 9), ("budget_cap limit_microusd: 15, window: day", 0))
    table = table_of(Policy(level, kind, rules))
    assert ask(table, max_wait=0).allowed
    assert ask(table, max_wait=0).allowed is (kind == "soft")


actions = st.sampled_from(
    [
        "approve",
        "deny",
        "warn message: w",
        "delay wait_seconds: 3",
        "delay wait_seconds: 7",
        "notify message: n",
        "budget_cap limit_microusd: 25, window: day",
    ]
)
policies = st.builds(
    Policy,
    st.sampled_from(LEVELS),
    st.sampled_from(["hard", "hard", "soft"]),
    st.lists(st.tuples(actions, st.integers(-1, 1)), min_size=1, max_size=3).map(tuple),
)


def read_plainly(drawn: list[Policy]) -> tuple[bool, int, int, set[str]]:
    """Denied, seconds to wait, warnings, budgets that bind: rule by rule as the table says it."""
    wait, warned, caps = 0, 0, set()
    for level in range(5):
        rules = sorted(
            (-priority, at, n, action, policy.kind)
            for at, policy in enumerate(drawn)
            for n, (action, priority) in enumerate(policy.rules)
            if min(LEVELS.index(policy.scope), 4) == level
        )
        approved = False
        for _, at, n, action, kind in rules:
            name = action.split()[0]
            if name == "budget_cap":
                caps |= {f"policy/p{at}/r{n}"} if kind == "hard" else set()
            elif approved:
                continue
            elif name == "approve":
                approved = True
            elif name == "notify":
                pass
            elif kind == "soft" or name == "warn":
                warned += 1
            elif name == "deny":
                return True, 0, warned, set()
            else:
                wait = max(wait, int(action.split()[-1]))
    return False, wait, warned, caps


@settings(max_examples=80, deadline=None)
@given(st.lists(policies, max_size=5))
def test_any_set_of_rules_is_judged_as_the_table_reads(drawn: list[Policy]) -> None:
    denied, wait, warned, caps = read_plainly(drawn)
    table = table_of(*drawn)
    answer = ask(table)
    assert answer.allowed is not denied
    assert len(answer.warnings) <= warned
    assert bool(answer.warnings) is bool(warned)
    if not denied:
        assert answer.modifications.wait == wait * 1_000_000
        hard = {
            line.pool
            for line in answer.holds
            if not table.engine.state.ledger.accounts[line.pool].pool.soft
        }
        assert hard == caps | {"local/api"}
