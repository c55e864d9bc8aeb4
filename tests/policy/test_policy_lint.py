"""What is valid and most likely not meant is named with its place, and nothing else is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core.errors import Finding
from ratelord_core.policy.condition import Conditions
from ratelord_core.policy.lint import lint
from ratelord_core.policy.lint.formula import formula
from ratelord_core.policy.lint.points import implies, verdict

MARK = "▶"
WINDOW = "window: {kind: sliding, every: 1h}"
POOL = f"pools: [{{id: a/b, limit: 5, unit: calls, {WINDOW}}}]\n"


def rules(*written: str, scope: str = "global", kind: str = "hard") -> str:
    lines = [f"policies:\n  - id: p\n    scope: {scope}\n    type: {kind}\n    rules:"]
    return "\n".join([*lines, *(f"      - {one}" for one in written)]) + "\n"


def deny(condition: str, name: str = "r", more: str = "") -> str:
    return f"{{name: {name}, action: deny, condition: {condition}{more}}}"


def warned(load_policy: Callable[..., Any], text: str) -> tuple[Finding, ...]:
    return lint(load_policy(text).document, text)


HOURS = "time_window: {start_time: '%s', end_time: '%s', days: [%s], location: Europe/Madrid}"
WARN = "action: warn, params: {message: %s}"

SUSPICIONS = {
    "never": (rules(deny('▶"remaining < 5 && remaining > 9"')), "never holds", ""),
    "below nothing": (rules(deny('▶"remaining < 0"')), "never holds", ""),
    "an hour that is not": (rules(deny('▶"time.hour > 23"')), "never holds", ""),
    "plainly false": (rules(deny('▶"false"')), "never holds", ""),
    "false by its numbers": (rules(deny('▶"1 > 2"')), "never holds", ""),
    "true by its numbers": (rules(deny('▶"2 > 1 || false"')), "always holds", ""),
    "always": (rules(deny('▶"remaining >= 0"')), "always holds", "leave it out"),
    "always by halves": (
        rules(deny('▶"risk.p_exhaustion < 0.5 || risk.p_exhaustion >= 0.5"')),
        "always holds",
        "",
    ),
    "a level that is none": (
        rules(deny("▶\"risk.level == 'critcal'\"")),
        "compares risk.level with 'critcal'",
        "did you mean 'critical'?",
    ),
    "a label of some": (
        rules(deny("▶\"agent.labels.team == 'x'\"")),
        "where the agent has no label 'team'",
        "'team' in agent.labels",
    ),
    "never reached": (
        rules(deny("'true'", "all"), "▶" + deny('"remaining < 5"', "late")),
        "rule 'p/late' is never reached: 'p/all' always denies first",
        "priority",
    ),
    "shadowed": (
        rules(deny('"remaining < 9"', "wide"), "▶" + deny('"remaining < 5"', "narrow")),
        "rule 'p/narrow' is shadowed",
        "",
    ),
    "shadowed by its text": (
        rules(
            deny("\"intent.model.startsWith('x')\"", "one"),
            "▶" + deny("\"intent.model .startsWith( 'x' )\"", "two"),
        ),
        "rule 'p/two' is shadowed",
        "",
    ),
    "shadowed from above": (
        rules(deny('"remaining < 9"'))
        + "  - {id: q, scope: org:a, rules: [▶"
        + deny('"remaining < 5"')
        + "]}\n",
        "rule 'q/r' is shadowed",
        "",
    ),
    "shadowed from above, and approved above only otherwise": (
        rules(
            "{name: a, condition: \"intent.urgency == 'high'\", action: approve}",
            deny('"remaining < 9"'),
        )
        + "  - {id: q, scope: org:a, rules: [▶"
        + deny("\"remaining < 5 && intent.urgency == 'background'\"")
        + "]}\n",
        "rule 'q/r' is shadowed",
        "",
    ),
    "shadowed by an approval": (
        rules("{name: fine, action: approve, priority: 5}", "▶" + deny('"remaining < 5"')),
        "'p/fine' always approves first",
        "",
    ),
    "shadowed by a pattern": (
        rules(deny("'true'"), scope="repo:a/*")
        + "  - {id: q, scope: repo:a/b, rules: [▶"
        + deny('"remaining < 5"')
        + "]}\n",
        "rule 'q/r' is never reached",
        "",
    ),
    "overlapping hours": (
        rules(
            f"{{name: one, {WARN % 'x'}, {HOURS % ('09:00', '17:00', 'Mon')}}}",
            f"{{name: two, {WARN % 'y'}, time_window: ▶"
            + (HOURS % ("16:00", "02:00", "Mon")).partition(": ")[2]
            + "}",
        ),
        "overlaps that of 'p/one' from Mon 15:00 UTC on",
        "",
    ),
    "a pool that is not there": (
        POOL + rules(deny('"remaining < 5"')).replace("global", "▶pool:a/bb"),
        "no pool 'a/bb' is declared",
        "did you mean 'a/b'?",
    ),
    "a pool in a condition": (
        POOL + rules(deny("▶\"pool.id == 'a/bb'\"")),
        "no pool 'a/bb'",
        "'a/b'",
    ),
    "an identity in a condition": (
        "identities: [{id: key:one}]\n" + rules(deny("▶\"identity.id == 'key:oen'\"")),
        "no identity 'key:oen'",
        "'key:one'",
    ),
    "an identity to switch to": (
        "identities: [{id: key:one}]\n"
        + rules("{name: r, action: switch, params: ▶{to: [key:oen]}}"),
        "no identity 'key:oen'",
        "",
    ),
    "a pool that work consumes": (
        POOL + "workloads: {w: {consumes: {a/bb: ▶1}}}\n",
        "no pool 'a/bb'",
        "'a/b'",
    ),
    "a smaller workload": (
        "workloads: {w: {degrade: ▶[v]}}\n",
        "no workload 'v'",
        "",
    ),
    "a workload in a condition": (
        "workloads: {scan: {}}\n" + rules(deny("▶\"intent.workload_id == 'scann'\"")),
        "no workload 'scann'",
        "'scan'",
    ),
    "a workload among several in a condition": (
        "workloads: {scan: {}}\n"
        + rules(deny("▶\"intent.workload_id in ['scan', 'wipe'] && remaining < 5\"")),
        "no workload 'wipe'",
        "",
    ),
    "a workload in a condition where tools are mapped": (
        "workloads: {scan: {}}\ntools: [{match: 'git/*'}]\n"
        + rules(deny("▶\"intent.workload_id == 'scann'\"")),
        "no workload 'scann'",
        "'scan'",
    ),
    "a scope of a kind that nothing has": (
        "policies: [{id: p, scope: ▶'pol:a/b', rules: [{name: r, action: deny}]}]\n",
        "scope 'pol:a/b' is of no kind that is known",
        "did you mean 'pool'?",
    ),
    "a scope outside the tree": (
        "scopes: {repo:a/*: org:acme, org:acme: global}\n"
        + rules(deny('"remaining < 5"')).replace("global", "▶org:acm"),
        "scope 'org:acm' is not in the tree",
        "'org:acme'",
    ),
    "a pool without a unit": (
        f"pools: [▶{{id: a/b, limit: 5, {WINDOW}}}]\n",
        "pool 'a/b' has no unit",
        "unit: requests",
    ),
    "a limit without a unit": (
        "policies: [{id: p, limit: ▶5}]\n",
        "limit 5 of policy 'p' has no unit; it counts requests and never refills",
        "amount: 5",
    ),
    "a budget without prices": (
        f"pools: [▶{{id: a/b, limit: 5, unit: microusd, {WINDOW}}}]\n",
        "pool 'a/b' counts money, but there are no prices",
        "pricing",
    ),
    "a limit in money without prices": (
        "policies: [{id: p, limit: ▶{amount: 5, unit: microusd}}]\n",
        "counts money, but there are no prices",
        "",
    ),
    "what is not carried out": (
        "retention: {enabled: ▶true, default_ttl: 720h}",
        "nothing is deleted yet: every event is kept",
        "leave it out",
    ),
    "prices of nobody": (
        "providers: {mock: [{id: fast}]}\npricing: {fats: ▶{requests: 3}}\n",
        "prices of 'fats'",
        "'fast'",
    ),
}


@pytest.mark.parametrize("name", SUSPICIONS)
def test_a_suspicion_is_named_with_its_exact_place_and_a_hint(
    load_policy: Callable[..., Any], name: str
) -> None:
    text, message, hint = SUSPICIONS[name]
    before, _, after = text.partition(MARK)
    (found,) = warned(load_policy, before + after)
    assert message in found.message
    assert hint in found.hint
    assert (found.line, found.column) == (
        before.count("\n") + 1,
        len(before) - before.rfind("\n"),
    )
    assert found.severity == "warning"
    assert found.text("f.yaml").startswith(f"f.yaml:{found.line}:{found.column}: warning: ")


@pytest.mark.parametrize(
    "text",
    [
        rules(deny('"remaining < 5"', "narrow"), deny('"remaining < 9"', "wide")),
        rules(deny('"remaining < 9"', "wide"), deny('"remaining < 5"', "narrow", ", priority: 1")),
        rules(deny('"remaining < 9"', "a"), deny('"remaining < 5"', "b"), kind="soft"),
        rules(deny("\"'team' in agent.labels && agent.labels.team == 'x'\"")),
        rules(
            deny('"remaining < 9"', "a", ", time_window: {start_time: '09:00'}"),
            deny('"remaining < 5"', "b"),
        ),
        # what the second one means is its own pool, not the tightest
        POOL
        + rules(deny('"remaining < 9"'))
        + "  - {id: q, scope: 'pool:a/b', rules: ["
        + deny('"remaining < 5"')
        + "]}\n",
        rules("{name: a, action: approve}")
        + "  - {id: q, scope: org:a, rules: ["
        + deny('"remaining < 5"')
        + "]}\n",
        # whose money it is, no provider of this file need know: a cap of a rule counts it
        "pricing: {llm: {input: 3000}}\n"
        + rules("{name: r, action: budget_cap, params: {limit_microusd: 5, window: day}}"),
        # what is approved above is looked at below, where the denial was not reached
        rules("{name: a, condition: \"intent.urgency == 'high'\", action: approve}", deny("'true'"))
        + "  - {id: q, scope: org:a, rules: ["
        + deny('"remaining < 5"')
        + "]}\n",
        rules(
            f"{{name: one, {WARN % 'x'}, {HOURS % ('09:00', '17:00', 'Mon')}}}",
            f"{{name: two, {WARN % 'y'}, {HOURS % ('17:00', '09:00', 'Mon')}}}",
        ),
        "providers: {mock: [{id: m}]}\n" + rules(deny("\"pool.id == 'm/anything'\"")),
        rules(deny("\"pool.id == 'x/y' && identity.id == 'key:z'\"")),
        rules(deny("\"intent.workload_id == 'wipe'\"")),
        "workloads: {scan: {}}\n" + rules(deny("\"intent.workload_id.startsWith('wipe')\"")),
        # a tool without a workload of its own is one by its name
        "workloads: {scan: {}}\ntools: [{match: 'git/*'}]\n"
        + rules(deny("\"intent.workload_id == 'git/push'\"")),
        "",
    ],
)
def test_what_may_well_be_meant_is_not_suspicious(
    load_policy: Callable[..., Any], text: str
) -> None:
    assert warned(load_policy, text) == ()


@pytest.mark.parametrize(
    "file",
    [
        one
        for one in (Path(__file__).parents[1] / "policies").glob("*.yaml")
        if not one.name.endswith(".test.yaml")
    ],
    ids=lambda file: file.stem,
)
def test_the_policies_that_are_shown_as_examples_are_clean(
    load_policy: Callable[..., Any], file: Path
) -> None:
    assert warned(load_policy, file.read_text(encoding="utf-8")) == ()


def test_conditions_are_tried_wherever_they_could_turn() -> None:
    assert verdict("time.hour == 9 || time.hour != 9") is True
    assert verdict("time.hour > 9 && time.hour < 10") is False
    assert verdict("remaining > 9 && remaining < 10") is None
    assert verdict("intent.urgency != 'high' && intent.urgency != 'normal'") is None
    assert implies("intent.urgency == 'background'", "intent.urgency != 'high'")
    assert not implies("intent.urgency != 'high'", "intent.urgency == 'background'")
    assert implies("remaining < 5 && cost > 3", "remaining <= 5")
    assert not implies("size(agent.labels) > 2", "size(agent.labels) > 1")


def test_ten_thousand_rules_are_looked_through_in_seconds(load_policy: Callable[..., Any]) -> None:
    text = rules(*(deny(f'"remaining < {n % 97}"', f"r{n}") for n in range(4_000)))
    document = load_policy(text).document
    began = time.process_time()
    assert lint(document, text)
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "impossible",
    [
        '"false"',
        '"1 > 2"',
        '"remaining < 0"',
        '"remaining < 5 && remaining > 9"',
        "\"risk.level == 'bad'\"",
    ],
)
def test_a_rule_that_never_holds_hides_no_other_and_is_hidden_by_none(
    load_policy: Callable[..., Any], impossible: str
) -> None:
    text = rules(
        deny(impossible, "first"), deny(impossible, "again"), deny('"remaining < 3"', "real")
    )

    said = [one.message for one in warned(load_policy, text)]

    assert len(said) == 2, said
    assert not [one for one in said if "reached" in one or "shadowed" in one]


@pytest.mark.parametrize(
    ("condition", "constant"),
    [
        ("agent.id == 'x' || true", True),
        ("true || remaining < 3", True),
        ("agent.id == 'x' && false", False),
        ("remaining < 5 AND NOT (cost > 3 OR true)", False),
        ("remaining > 5 && remaining < 3", False),
        ("remaining > 5 && (remaining < 3 || remaining == 4)", False),
        ("!(remaining > 5) && remaining > 7", False),
        ("!(remaining > 5) || remaining > 3", True),
        ("agent.id in ['a', 'b'] && agent.id == 'c'", False),
        ("time.is_weekend || !time.is_weekend", True),
        ("agent.id.startsWith('a') && !agent.id.startsWith('a')", False),
        ("remaining == remaining", True),
        ("agent.id.startsWith('a') && !agent.id.startsWith('b')", None),
        ("!(remaining > 5) == time.is_weekend", None),
        ("intent.urgency == 'high' ? true : remaining < 4 || true", None),
        ("agent.id == 'true' || remaining < 3", None),
        ("remaining < 3 || size(agent.id + ') || true') > 300", None),
    ],
)
def test_what_is_constant_is_seen_through_brackets_negation_and_words(
    condition: str, constant: bool | None
) -> None:
    assert verdict(condition) is constant


_LEAVES = ["remaining < 5", "remaining >= 3", "cost == 2", "remaining in [1, 4]", "true", "false"]
_EXPRESSIONS = st.recursive(
    st.sampled_from(_LEAVES),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(" ".join),
        inner.map(lambda one: f"!({one})"),
        inner.map(lambda one: f"({one})"),
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(_EXPRESSIONS, st.integers(0, 6), st.integers(0, 6))
def test_a_condition_taken_apart_means_what_it_means(text: str, remaining: int, cost: int) -> None:
    form = formula(text)
    point = {"remaining": float(remaining), "cost": float(cost)}

    assert form is not None
    assert form.holds(point) == Conditions().compile(text).holds(point)
