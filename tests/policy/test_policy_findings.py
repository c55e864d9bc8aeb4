"""Every mistake in a policy file is named with its place and what was probably meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ratelord_core.errors import Finding, PolicyError
from ratelord_core.policy.tree import MAX_BYTES

MARK = "▶"
"""Stands in the texts below right before the character where the finding must be."""

RULE = "policies:\n  - id: p\n    rules:\n      - {name: r, action: deny, condition: "

MISTAKES = [
    ("▶polices: []", "unknown key 'polices'", "did you mean 'policies'?"),
    ("settings: {▶strict_identites: true}", "unknown key", "did you mean 'strict_identities'?"),
    ("settings: {strict_pools: ▶maybe}", "must be true or false, not 'maybe'", ""),
    ("settings: {hold_ttl: ▶fast}", "'fast' is not a length of time", "30s"),
    ("settings: {hold_ttl: ▶0}", "must be longer than 0", ""),
    ("settings: {warn_threshold: ▶2}", "must be from 0 to 1, not 2", ""),
    ("settings: ▶{warn_threshold: 0.9}", "must be less than critical_threshold 0.8", ""),
    ("settings: ▶[1]", "settings must be a mapping", ""),
    ("▶- a\n- b", "the document must be a mapping", ""),
    ("units: {a: b}\n▶units: {a: c}", "key 'units' stands twice (first on line 1)", ""),
    ("providers: {▶githb: []}", "no provider plugin is called 'githb'", "did you mean 'github'?"),
    ("providers:\n  mock: ▶{id: m}", "providers.mock must be a list", "- "),
    ("providers: {mock: [▶{poll_interval: 3s}]}", "'id' is missing", ""),
    ("providers: {mock: [{id: ▶a/b}]}", "contains a slash", ""),
    ("providers: {mock: [{id: ▶local}]}", "is the name of our own pools", ""),
    ("providers: {mock: [{id: a}, ▶{id: a}]}", "provider id 'a' stands twice", ""),
    ("providers: {mock: [{id: a, token: ▶x9}]}", "looks like a secret", "token_env_var"),
    ("providers: {mock: [{id: a, token_env_var: ▶x9-y}]}", "environment variable", "never"),
    ("providers: {mock: [{id: a, secret_ref: ▶x9}]}", "where a secret lies", "env:NAME"),
    ("pools: [▶{id: a/b, limit: 5}]", "'window' is missing", ""),
    ("pools: [▶{id: a/b, window: {kind: sliding, every: 5s}}]", "'limit' is missing", ""),
    ("pools: [{id: a/b, limit: ▶1.5, window: concurrency}]", "must be a whole number", ""),
    ("pools: [{id: a/b, limit: ▶-1, window: concurrency}]", "must be a whole number", ""),
    ("pools: [{id: a/b, limit: ▶9007199254740992, window: concurrency}]", "whole number", ""),
    ("pools: [{id: a/b, limit: 5, window: {kind: ▶slidng}}]", "not one of", "'sliding'?"),
    ("pools: [{id: a/b, limit: 5, window: ▶{kind: sliding}}]", "'every' is missing", ""),
    ("pools: [{id: a/b, limit: 5, window: ▶{kind: fixed}}]", "needs 'every' or 'reset_at'", ""),
    ("pools: [{id: a, limit: 5, window: {kind: fixed, reset_at: ▶noon}}]", "an instant", "12:00"),
    (
        "pools: [{id: a/b, limit: 5, window: {kind: sliding, every: 5s, ▶burst: 3}}]",
        "a sliding window has no key 'burst'",
        "known: every, kind",
    ),
    (
        "pools: [{id: a/b, limit: 5, window: {kind: calendar, every: day, timezone: ▶Europe/Madird}}]",
        "'Europe/Madird' is not a time zone",
        "did you mean 'Europe/Madrid'?",
    ),
    ("pools:\n  - {id: x, limit: 1, window: concurrency}\n  - ▶{id: local/x}", "stands twice", ""),
    ("identities: [{id: ▶'a b'}]", "cannot be an id", ""),
    (
        "providers: {mock: [{id: mock-1}]}\nidentities: [{id: a, provider: ▶mock-2}]",
        "no provider has the id 'mock-2'",
        "did you mean 'mock-1'?",
    ),
    (
        "providers: {mock: [{id: mock-1}]}\nworkloads: {w: {consumes: {▶moc-1/x: 2}}}",
        "pool 'moc-1/x' belongs to no provider",
        "did you mean 'mock-1'?",
    ),
    ("scopes: {▶a: b, b: a}", "'a' is its own ancestor", "global"),
    (
        "scopes: {▶s0: s1, " + ", ".join(f"s{n}: s{n + 1}" for n in range(1, 65)) + "}",
        "'s0' has more than 64 ancestors",
        "global",
    ),
    ("settings: {forecast_model: ▶liner}", "no forecast model is called 'liner'", "'linear'?"),
    (RULE + "▶" + "(" * 40 + "true" + ")" * 40 + "}", "condition: nested deeper than 32", ""),
    (RULE + "remaining <▶}", "syntax error: it ends too early", ""),
    ("scopes: {▶a*b: global}", "a pattern has one '*', at its end", ""),
    ("agents: {a: {weight: ▶0}}", "must be more than 0", ""),
    ("agents: {a: {▶wieght: 1}}", "unknown key 'wieght'", "did you mean 'weight'?"),
    ("pricing: {a: {b: ▶cheap}}", "must be a number, 0 or more, not 'cheap'", ""),
    ("retention: {by_type: {x: ▶-1}}", "is not a length of time", ""),
    ("policies: [▶{rules: []}]", "'id' is missing", ""),
    ("policies: [{id: p, type: ▶sfot}]", "not one of hard, soft", "did you mean 'soft'?"),
    ("policies: [{id: p, scope: ▶'a b'}]", "is no scope", "identity:"),
    ("policies: [{id: p, limit: ▶many}]", "must be a whole number", ""),
    ("policies: [{id: p, scope: 'pool:a/b', limit: ▶5}]", "a limit on a pool's policy", "pools"),
    ("policies: [{id: p}, ▶{id: p}]", "policy 'p' stands twice", ""),
    ("policies: [{id: p, rules: [▶{name: r}]}]", "'action' is missing", ""),
    ("policies: [{id: p, rules: [{name: r, action: ▶dney}]}]", "called 'dney'", "'deny'?"),
    ("policies: [{id: p, rules: [{name: r, action: deny, ▶parms: {}}]}]", "'parms'", "'params'?"),
    (
        "policies: [{id: p, rules: [{name: r, action: deny, params: {▶reson: x}}]}]",
        "action 'deny' has no parameter 'reson'",
        "did you mean 'reason'?",
    ),
    (
        "policies: [{id: p, rules: [{name: r, action: delay, params: {wait_seconds: ▶soon}}]}]",
        "parameter 'wait_seconds' of action 'delay': expected `float | null`, got `str`",
        "",
    ),
    (
        "policies: [{id: p, rules: [{name: r, action: shape, params: ▶{reason: x}}]}]",
        "algorithm 'fixed' needs the parameter 'wait_seconds'",
        "",
    ),
    (
        (
            "policies: [{id: p, rules: [{name: r, action: shape,"
            " params: {wait_seconds: 1, algorithm: ▶linaer}}]}]"
        ),
        "algorithm 'linaer' is not available; available: dynamic, fixed, linear",
        "did you mean 'linear'?",
    ),
    (
        (
            "workloads: {scan: {degrade: [peek]}}\n"
            "policies: [{id: p, rules: [{name: r, action: degrade, params: {to: ▶peak}}]}]"
        ),
        "no workload is called 'peak'",
        "did you mean 'peek'?",
    ),
    (
        (
            "workloads: {scan: {protocols: {graphql: scan_graphql}}}\n"
            "policies: [{id: p, rules: [{name: r, action: switch_protocol, params: {to: ▶grapql}}]}]"
        ),
        "no protocol is called 'grapql'",
        "did you mean 'graphql'?",
    ),
    (
        (
            "providers: {mock: [{id: fast}]}\n"
            "policies: [{id: p, limit: 5, rules: [{name: r, action: route, params: {to: [{provider: ▶zz}]}}]}]"
        ),
        "no provider is called 'zz'",
        "known: fast",
    ),
    (
        (
            "providers: {mock: [{id: fast}]}\n"
            "policies: [{id: p, rules: [{name: r, action: route, params: {to: [{model: m}, {provider: ▶fats}]}}]}]"
        ),
        "no provider is called 'fats'",
        "did you mean 'fast'?",
    ),
    (
        (
            "pools: [{id: day, limit: 5, window: {kind: calendar, every: day}}]\n"
            "policies: [{id: p, rules: [{name: r, action: shape, params: {algorithm: dynamic, pool: ▶dya}}]}]"
        ),
        "no pool is called 'dya'",
        "did you mean 'day'?",
    ),
    (
        (
            "policies: [{id: p, rules: [{name: r, action: budget_cap, params: {limit_microusd: 5, "
            "window: ▶{every: yesterday}}}]}]"
        ),
        "a calendar has no 'yesterday'",
        "",
    ),
    (
        "pools: [{id: a, limit: 5, window: concurrency, per: ▶agnet}]",
        "'agnet' is not one of",
        "'agent'?",
    ),
    (
        "pools: [{id: a, limit: 5, window: {kind: fixed, reset_at: '2026-01-01T00:00:00Z'}, per: ▶agent}]",
        "needs a window that refills",
        "24h",
    ),
    (
        "pools: [{id: a, limit: 5, window: concurrency, reserve: {percent: ▶101}}]",
        "from 0 to 100",
        "",
    ),
    (
        "pools: [{id: a, limit: 5, window: concurrency, reserve: {urgency: ▶low, percent: 5}}]",
        "not one of high",
        "",
    ),
    (
        "pools: [{id: a, limit: 5, window: concurrency, shares: ▶{'agent:a': 5}}]",
        "a concurrency window has no shares",
        "shared_by",
    ),
    (
        "pools: [{id: a, limit: 5, window: {kind: sliding, every: 1h}, shares: ▶{'agent:a': 5}}]",
        "a sliding window has no shares; they belong to fixed and calendar windows",
        "shared_by",
    ),
    (
        "pools: [{id: a, limit: 5, window: {kind: bucket, every: 1s}, shares: ▶{'agent:a': 5}}]",
        "a bucket window has no shares",
        "shared_by",
    ),
    ("pools: [{id: a, shares: ▶{'agent:a': 5}}]", "an unbounded window has no shares", "shared_by"),
    (
        "providers: {mock: [{id: m}]}\npools: [{id: m/t, window: {kind: sliding, every: 1h}, shares: ▶{'agent:a': 5}}]",
        "a sliding window has no shares",
        "shared_by",
    ),
    (
        "pools: [{id: a, limit: 5, window: {kind: fixed, every: 1h}, shares: {▶bob: 5}}]",
        "'bob' names nobody",
        "agent:NAME",
    ),
    (
        "pools: [{id: a, limit: 5, window: {kind: fixed, every: 1h}, shares: ▶{'agent:a': 60, 'agent:b': 50}}]",
        "more than 100 percent",
        "",
    ),
    (
        "pools: [{id: a, limit: 5, window: {kind: fixed, every: 1h}, shares: {'agent:a': ▶{least: 6, most: 5}}}]",
        "'most' is less than 'least'",
        "",
    ),
    ("policies: [{id: p, limit: {amount: 5, per: ▶agent}}]", "needs a window that refills", ""),
    (
        "policies: [{id: p, rules: [{name: r, action: deny, time_window: {days: [Mon, ▶Tuu]}}]}]",
        "'Tuu' is not a day of the week",
        "did you mean 'Tue'?",
    ),
    (
        "policies: [{id: p, rules: [{name: r, action: deny, time_window: {start_time: ▶9am}}]}]",
        "'9am' is not a time of day",
        "09:00",
    ),
    (
        (
            "policies: [{id: p, rules: [{name: r, action: deny,"
            " time_window: ▶{start_time: 09:00, end_time: 09:00}}]}]"
        ),
        "the window is empty",
        "",
    ),
    (RULE + "▶remianing < 100}", "unknown name 'remianing'", "did you mean 'remaining'?"),
    (RULE + "'remaining < 100 && ▶risk.levl == 1'}", "unknown name 'risk.levl'", "'risk.level'?"),
    (RULE + "'intent.model == ''é'' && ▶poool.id == ''x'''}", "unknown name", "'pool.id'?"),
    (RULE + '"intent.model == \\"\\u00e9\\" && ▶pol.id == 1"}', "unknown name", "'pool.id'?"),
    (RULE + "intent.urgency ▶> 3}", "> cannot be applied to text and number", ""),
    (RULE + "▶remaining}", "gives number, not true or false", ""),
    (RULE + "remaining <▶}", "syntax error", ""),
    (RULE + "▶cost.windw > 5}", "unknown name 'cost.windw'", "'cost.window'?"),
    (RULE + "▶nothing.like.it > 5}", "unknown name 'nothing.like.it'", "table of variables"),
    ("pools: [{id: a/b, limit: 5, window: ▶sliding}]", "a sliding window is a mapping", "every"),
    ("pools: [{id: a/b, limit: 5, window: {kind: ▶[x]}}]", "must be text, not a list", ""),
    ("pools: [▶{id: policy/x, limit: 5, window: concurrency}]", "the limit of a policy", ""),
    ("pools: [▶{limit: 5, window: concurrency}]", "'id' is missing", ""),
    ("agents: {a: {labels: {x: ▶{y: z}}}}", "must be text, not a mapping", ""),
    ("agents: {▶[a]: {}}", "a key must be text", ""),
    ("scopes: {▶global: org:a}", "'global' is the root", ""),
    ("identities: [{id: a}, ▶{id: a}]", "identity 'a' stands twice", ""),
    ("identities: [{id: a, allowed_agents: ▶{b: c}}]", "must be a list, not a mapping", ""),
    ("policies: [{id: p, limit: ▶{unit: x}}]", "'amount' is missing", ""),
    (
        "policies: [{id: p, rules: [{name: r, action: deny}, ▶{name: r, action: warn}]}]",
        "rule 'r' stands twice in this policy",
        "",
    ),
    (
        "policies: [{id: p, rules: [{name: r, action: deny, priority: ▶high}]}]",
        "must be a whole number, not 'high'",
        "",
    ),
    ("policies: [{id: p, rules: [{name: ▶'', action: deny}]}]", "'' cannot be a name", ""),
    ("policies: [{id: p, rules: [{name: r, action: ▶[deny]}]}]", "must be text, not a list", ""),
    ("settings: {default_max_wait: ▶99999999w}", "is not a length of time", "100 years"),
    ("a: [1\nb▶: 2", "not valid YAML", ""),
    ("a:\n▶\t- b\n", "not valid YAML", "indent with spaces"),
    ("a: ▶*nowhere", "not valid YAML: found undefined alias", ""),
    ("a: 1\n▶---\nb: 2", "not valid YAML", ""),
    ("a: ▶!!python/object:os.system {}", "tag 'tag:yaml.org,2002:python/object:os.system'", ""),
    ("a: ▶&a [*a]", "an alias contains itself", ""),
    ("a: 'x\nb: ▶\x07'", "control character", ""),
]


def findings_of(load_policy: Callable[..., Any], text: str | bytes) -> tuple[Finding, ...]:
    with pytest.raises(PolicyError) as caught:
        load_policy(text)
    return caught.value.findings


@pytest.mark.parametrize(("text", "message", "hint"), MISTAKES, ids=[m[0][-40:] for m in MISTAKES])
def test_a_mistake_is_named_with_its_exact_place_and_a_hint(
    load_policy: Callable[..., Any], text: str, message: str, hint: str
) -> None:
    before, _, after = text.partition(MARK)
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    found = findings_of(load_policy, before + after)
    assert [(each.line, each.column) for each in found if message in each.message] == [
        (line, column)
    ], found
    assert any(hint in each.hint for each in found if message in each.message)


BLOCKS = {
    "folded": "condition: >-\n          remaining < 100\n          && ▶poool.id == 'x'\n",
    "literal": "condition: |\n          remaining < 100\n\n            && ▶poool.id == 'x'\n",
    "plain over two lines": "condition: remaining < 100\n          && ▶poool.id == 'x'\n",
    "quoted over two lines": "condition: \"remaining < 100\n          \\\n  && ▶poool.id == 'x'\"\n",
    "with words as operators": "condition: NOT pool.stale AND ▶poool.id == 'AND'\n",
}


@pytest.mark.parametrize("style", BLOCKS)
def test_the_place_inside_a_condition_is_found_in_every_style_of_yaml(
    load_policy: Callable[..., Any], style: str
) -> None:
    head = "policies:\n  - id: p\n    rules:\n      - name: é\n        action: deny\n        "
    head = head.replace("é", "r # é")
    before, _, after = (head + BLOCKS[style]).partition(MARK)
    (found,) = findings_of(load_policy, before + after)
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert (found.line, found.column) == place
    assert found.path == "policies[0].rules[0].condition"


def test_all_findings_come_at_once_in_the_order_of_the_file(
    load_policy: Callable[..., Any],
) -> None:
    found = findings_of(load_policy, "polices: []\nsettings: {hold_ttl: x}\nunits: [1]\n")
    assert [each.line for each in found] == [1, 2, 3]


def test_the_error_reads_file_line_column_message_and_hint(
    load_policy: Callable[..., Any],
) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy("polices: []")
    assert str(caught.value) == "policy.yaml:1:1: unknown key 'polices' (did you mean 'policies'?)"


def test_a_file_that_is_too_big_is_not_read(load_policy: Callable[..., Any]) -> None:
    (found,) = findings_of(load_policy, b"#" * (MAX_BYTES + 1))
    assert "at most 4194304 are read" in found.message


def test_a_file_of_too_many_values_is_refused_before_they_are_objects(
    load_policy: Callable[..., Any],
) -> None:
    (found,) = findings_of(load_policy, "policies: [" + "1," * 400_001 + "1]")
    assert "more than 400000 values" in found.message
    assert found.line == 1


def test_bytes_that_are_not_utf8_are_named_with_their_place(
    load_policy: Callable[..., Any],
) -> None:
    (found,) = findings_of(load_policy, b"units: {}\nx: \xff")
    assert (found.line, found.column, found.message) == (2, 4, "byte 0xff is not UTF-8")


def test_deep_nesting_is_refused(load_policy: Callable[..., Any]) -> None:
    (found,) = findings_of(load_policy, "a: " + "[" * 41 + "]" * 41)
    assert found.message == "nested deeper than 40 levels"
    (found,) = findings_of(load_policy, "[" * 200_000)
    assert found.message == "nested deeper than 40 levels"


def test_a_bomb_of_aliases_is_refused(load_policy: Callable[..., Any]) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (found,) = findings_of(load_policy, "\n".join(lines))
    assert found.message == "aliases repeat this to more than 400000 values"


def test_a_secret_pasted_by_mistake_is_never_repeated(load_policy: Callable[..., Any]) -> None:
    for key in ("token", "secret_ref", "token_env_var", "api_key_env_var", "password"):
        with pytest.raises(PolicyError) as caught:
            load_policy(f"providers: {{mock: [{{id: a, {key}: 'hunter-2 hunter'}}]}}")
        assert "hunter" not in str(caught.value)


def test_one_mistake_is_told_once(load_policy: Callable[..., Any]) -> None:
    pool = "{id: a/b, limit: 1, window: {kind: sliding, every: 1s}}"
    (found,) = findings_of(load_policy, f"pools: [{pool}, {pool}]")
    assert found.message == "pool 'a/b' stands twice"


def test_of_a_thousand_mistakes_the_first_hundred_are_told(load_policy: Callable[..., Any]) -> None:
    found = findings_of(load_policy, "\n".join(f"x{n}: 1" for n in range(1000)))
    assert len(found) == 101
    assert found[-1].message == "900 more mistakes; mend the first ones and check again"
