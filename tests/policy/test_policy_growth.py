"""Rules that bind something else cost nothing, however many there are."""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord_core.graph.protocol import Binding, Draw
from ratelord_core.model.config import Document, PolicyConfig, RuleConfig
from ratelord_core.policy.condition import Conditions
from ratelord_core.policy.index import RuleIndex
from ratelord_core.policy.rule import compile_rules
from ratelord_core.policy.situation import PoolNow
from ratelord_core.policy.stack import compile_policy
from ratelord_core.policy.trace import unpack
from ratelord_core.testing.situation import FixedSituation

KINDS = ("org:o{}", "repo:o{}/*", "pool:x/{}", "identity:key:{}", "agent:a{}")
BINDING = Binding((Draw("a/b", 1),), ("repo:acme/api", "org:acme", "global"))
SITUATION = FixedSituation(
    tightest="a/b", draws={"a/b": 1}, pools={"a/b": PoolNow("a/b", "requests", 9, 0, 0, 9, None)}
)


def document(elsewhere: int) -> Document:
    rule = RuleConfig("r", "warn", "remaining < 100")
    scopes = ["global", "org:acme", "pool:a/*", "agent:crawler-01"]
    scopes += [KINDS[n % len(KINDS)].format(n) for n in range(elsewhere)]
    return Document(
        policies=tuple(PolicyConfig(f"p{at}", s, rules=(rule,)) for at, s in enumerate(scopes))
    )


def test_the_rules_looked_at_stay_the_same_from_ten_to_ten_thousand(
    actions: dict[str, Any],
) -> None:
    seen = []
    for elsewhere in (10, 10_000):
        stack = compile_policy(document(elsewhere), actions)
        situation = msgspec.structs.replace(SITUATION, looked_at=[])
        verdict = stack.evaluate(stack.levels(BINDING, situation.intent), situation)
        seen.append((len(list(unpack(verdict.looked))), situation.looked_at))
    assert seen[0] == seen[1]
    assert seen[0][0] == 4
    # One pool, looked up once for the tightest and once for the policy of that pool.
    assert seen[0][1] == [("pool", "a/b")] * 2


def test_a_second_intent_of_the_same_binding_finds_the_answer_ready(
    actions: dict[str, Any],
) -> None:
    index = RuleIndex(compile_rules(document(10), actions, Conditions()))
    first = index.levels(BINDING, SITUATION.intent)
    stranger = msgspec.structs.replace(SITUATION.intent, identity_id="key:new")
    assert index.levels(BINDING, stranger) is first


def test_strangers_names_do_not_fill_memory(actions: dict[str, Any]) -> None:
    rules = (RuleConfig("r", "warn"),)
    index = RuleIndex(
        compile_rules(
            Document(policies=(PolicyConfig("p", "agent:ci-*", rules=rules),)),
            actions,
            Conditions(),
        )
    )
    for n in range(10_000):
        intent = msgspec.structs.replace(SITUATION.intent, agent_id=f"ci-{n}")
        assert len(index.levels(BINDING, intent)) == 1
    assert len(index._known) <= 4096
    assert len(index._tables["agent"]._known) <= 4096
