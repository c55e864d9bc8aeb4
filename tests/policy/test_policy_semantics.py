"""Promises of the stack that hold for any set of rules."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_actions.plugin import ratelord_register_policy_actions
from ratelord_core.graph.protocol import Binding, Draw
from ratelord_core.model.config import Document, PolicyConfig, RuleConfig
from ratelord_core.model.instant import SECOND
from ratelord_core.policy.condition import Conditions
from ratelord_core.policy.situation import PoolNow
from ratelord_core.policy.stack import compile_policy
from ratelord_core.policy.trace import told
from ratelord_core.policy.verdict import PolicyVerdict
from ratelord_core.testing.situation import FixedSituation

ACTIONS = {action.name: action for action in ratelord_register_policy_actions()}
CONDITIONS = Conditions()
POOL = "a/b"
LEVELS = [
    "global",
    "org:acme",
    "repo:acme/api",
    "pool:a/b",
    "agent:crawler-01",
    "identity:pat:rmax",
]
BINDING = Binding((Draw(POOL, 1),), ("repo:acme/api", "org:acme", "global"))
SITUATION = FixedSituation(
    tightest=POOL,
    draws={POOL: 1},
    pools={POOL: PoolNow(POOL, "requests", 100, 0, 0, 50, 1_767_225_600_000_000 + 60 * SECOND)},
)

effects: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.just(("approve", {})),
    st.just(("deny", {})),
    st.builds(lambda m: ("warn", {"message": m}), st.sampled_from("xyz")),
    st.builds(lambda s: ("delay", {"wait_seconds": s}), st.integers(0, 9)),
    st.builds(lambda s: ("defer", {"jitter_max_seconds": s}), st.integers(0, 9)),
)
conditions = st.sampled_from(["true", "false", "remaining < 60", "remaining < 40"])
rules = st.builds(
    lambda effect, condition, priority: (effect, condition, priority),
    effects,
    conditions,
    st.integers(-1, 1),
)
policies = st.tuples(
    st.sampled_from(LEVELS), st.sampled_from(["hard", "hard", "soft"]), st.lists(rules, max_size=3)
)


def document(drawn: list[tuple[Any, Any, Any]]) -> Document:
    return Document(
        policies=tuple(
            PolicyConfig(
                id=f"p{at}",
                scope=scope,
                type=kind,
                rules=tuple(
                    RuleConfig(f"r{n}", effect[0], condition, priority, effect[1])
                    for n, (effect, condition, priority) in enumerate(listed)
                ),
            )
            for at, (scope, kind, listed) in enumerate(drawn)
        )
    )


def judge(drawn: list[tuple[Any, Any, Any]]) -> PolicyVerdict:
    stack = compile_policy(document(drawn), ACTIONS, CONDITIONS)
    return stack.evaluate(stack.levels(BINDING, SITUATION.intent), SITUATION)


def rank(scope: str) -> int:
    return min(LEVELS.index(scope), 4)


many = st.lists(policies, max_size=6)


@settings(max_examples=150, deadline=None)
@given(many, st.sampled_from(LEVELS))
def test_a_lower_level_never_permits_what_a_higher_forbade(drawn: list[Any], scope: str) -> None:
    above = [each for each in drawn if rank(each[0]) < rank(scope)]
    if judge(above).denied:
        assert judge([(scope, "hard", [(("approve", {}), "true", 9)]), *drawn]).denied


@settings(max_examples=150, deadline=None)
@given(many, policies)
def test_lower_rules_only_ever_restrict(drawn: list[Any], more: Any) -> None:
    above = [each for each in drawn if rank(each[0]) < rank(more[0])]
    before, after = judge(above), judge([*above, more])
    assert after.denied >= before.denied
    if not after.denied:
        assert after.wait >= before.wait
        assert (after.reset_jitter or 0) >= (before.reset_jitter or 0)
        assert set(before.warnings) <= set(after.warnings)


@settings(max_examples=150, deadline=None)
@given(many, st.randoms(use_true_random=False))
def test_levels_do_not_depend_on_the_order_of_the_file(drawn: list[Any], random: Any) -> None:
    one_each = list({rank(each[0]): each for each in drawn}.values())
    shuffled = list(one_each)
    random.shuffle(shuffled)
    first, second = judge(one_each), judge(shuffled)
    assert (first.denied, first.wait, first.reset_jitter) == (
        second.denied,
        second.wait,
        second.reset_jitter,
    )


@settings(max_examples=150, deadline=None)
@given(many)
def test_a_verdict_is_consistent_in_itself(drawn: list[Any]) -> None:
    verdict = judge(drawn)
    trace = told(document(drawn), verdict.looked, verdict.held, verdict.saw)
    names = [(step.policy_id, step.rule) for step in trace]
    assert len(names) == len(set(names))
    held = [(step.policy_id, step.rule, step.action, step.reason) for step in trace if step.result]
    assert held == list(verdict.bound)
    if verdict.denied:
        assert (verdict.wait, verdict.reset_jitter) == (0, None)
    if verdict.denied or verdict.wait or verdict.reset_jitter is not None:
        assert verdict.decided_by is not None
        assert verdict.decided_by.policy_id in verdict.reason
        assert verdict.decided_by.rule in verdict.reason
    else:
        assert verdict.decided_by is None
    soft = {f"p{at}" for at, each in enumerate(drawn) if each[1] == "soft"}
    assert verdict.decided_by is None or verdict.decided_by.policy_id not in soft
