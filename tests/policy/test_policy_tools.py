"""The section ``tools``: what is wrong with it is found when it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from ratelord_core.errors import PolicyError
from ratelord_core.policy.written import as_written


def findings(load_policy: Callable[..., Any], entry: str) -> list[str]:
    with pytest.raises(PolicyError) as raised:
        load_policy(f"tools:\n  - {entry}\n")
    return [finding.text("p") for finding in raised.value.findings]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{match: github}", "p:2:13: 'github' is not of the form SERVER/TOOL"),
        ("{workload: x}", "'match' is missing"),
        ("{match: a/b, whn: 'true'}", "p:2:18: unknown key 'whn' (did you mean 'when'?)"),
        ("{match: a/b, when: tol == 'x'}", "p:2:24: unknown name 'tol' (did you mean 'tool'?)"),
        ("{match: a/b, when: size(tool)}", "p:2:24: gives number, not a flag"),
        ('{match: a/b, scope: "r:${arg.x}"}', "p:2:30: unknown name 'arg.x'"),
        ('{match: a/b, scope: "r:${args.x"}', "'${' without its '}' (write ${args.name})"),
        ("{match: a/b, costs: {x/y: \"'1'\"}}", "p:2:32: gives text, not a number"),
        ("{match: a/b, costs: {x/y: -1}}", "must be a number, 0 or more"),
        ("{match: a/b, expected_cost: args.n +}", "syntax error: it ends too early"),
        ("{match: a/b, expected_cost: result.n}", "unknown name 'result.n'"),
        ("{match: a/b, actual_cost: result == 1}", "cannot be applied"),
        ("{match: a/b, urgency: hight}", "did you mean 'high'?"),
        ("{match: a/b, duration: soon}", "unknown name 'soon'"),
        ("{match: a/b, cancelled: never}", "'never' is not one of free, count"),
    ],
)
def test_a_mistake_is_named_with_its_place(
    load_policy: Callable[..., Any], entry: str, said: str
) -> None:
    assert any(said in finding for finding in findings(load_policy, entry))


EVERYTHING = """
tools:
  - {match: a/b, ask: false}
  - match: github/*
    when: "has(args.repo) AND tool != 'x'"
    workload: "work/${tool}"
    scope: "repo:${args.repo}"
    identity: pat:a
    model: "${args.model}"
    urgency: background
    provider: m
    pool: default
    expected_cost: 2
    costs: {cap: 1, m/x: "size(args.text) / 4"}
    duration: 90s
    max_wait: 1500ms
    actual_cost: result._meta.usage.total_tokens
    actual_costs: {m/x: seconds}
    cancelled: count
  - {match: "*", duration: args.timeout}
"""


def test_what_is_shown_of_tools_reads_back_as_the_same(load_policy: Callable[..., Any]) -> None:
    document = load_policy(EVERYTHING).document

    again = load_policy(yaml.safe_dump(as_written(document), sort_keys=False)).document

    assert again.version == document.version
    assert len(again.tools) == 3
    assert again.tools[1].duration == 90.0
    assert again.tools[1].costs == {"local/cap": 1.0, "m/x": "size(args.text) / 4"}
