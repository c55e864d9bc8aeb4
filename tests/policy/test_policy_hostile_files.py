"""Whatever a file holds, it is a document or a list of findings, and never takes long."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_actions.plugin import ratelord_register_policy_actions
from ratelord_core.errors import PolicyError
from ratelord_core.model.config import Document
from ratelord_core.policy.condition import Conditions
from ratelord_core.policy.document import canonical, from_canonical
from ratelord_core.policy.reader import read_document

ACTIONS = {action.name: action for action in ratelord_register_policy_actions()}
CONDITIONS = Conditions()
SECTIONS = [
    "providers",
    "pools",
    "identities",
    "workloads",
    "scopes",
    "agents",
    "pricing",
    "units",
    "policies",
    "settings",
    "retention",
]
KEYS = [
    "id",
    "rules",
    "name",
    "action",
    "condition",
    "params",
    "priority",
    "time_window",
    "limit",
    "window",
    "kind",
    "every",
    "scope",
    "type",
    "github",
    "mock",
    "amount",
    "unit",
    "days",
    "start_time",
    "location",
    "labels",
    "weight",
    "consumes",
    "degrade",
    "identity",
    "hold_ttl",
    "warn_threshold",
    "by_type",
    "enabled",
    "default_ttl",
    "burst",
    "timezone",
    "reset_at",
    "secret_ref",
]
WORDS = [
    "deny",
    "approve",
    "warn",
    "delay",
    "global",
    "pool:a/b",
    "agent:x",
    "fixed",
    "sliding",
    "calendar",
    "day",
    "30s",
    "1h",
    "remaining<1",
    "Europe/Madrid",
    "Mon",
    "09:00",
    "24:00",
    "hard",
    "soft",
    "a/b",
    "env:X",
    "true",
    "5",
    "*",
    "a*b",
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=5)
)
things: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=12,
)
files = st.dictionaries(st.sampled_from(SECTIONS), things, max_size=4)


def read(text: str | bytes) -> Document | None:
    try:
        return read_document(text, "policy.yaml", ACTIONS, ("github", "mock"), CONDITIONS)
    except PolicyError as error:
        complaints = [finding.message for finding in error.findings]
    assert all(complaints)
    assert complaints
    return None


@settings(max_examples=200, deadline=None)
@given(files)
def test_any_structure_is_read_or_refused(content: dict[str, Any]) -> None:
    document = read(json.dumps(content))
    if document is not None:
        assert canonical(from_canonical(canonical(document))) == canonical(document)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | st.text("{}[]&*!|>'\"%@`:-?,#\n\t ab1", max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes | str) -> None:
    read(content)


def test_a_chain_of_aliases_is_not_followed_without_end() -> None:
    lines = ["a0: &a0 x"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 800)]
    with pytest.raises(PolicyError, match="nested deeper than 40 levels by aliases"):
        read_document("\n".join(lines), "policy.yaml", ACTIONS, ())


def test_characters_in_two_halves_are_read_from_json() -> None:
    rule = {"name": "r", "action": "deny", "params": {"reason": "\\ud83d 😀"}}
    content = {"policies": [{"id": "p", "rules": [rule]}]}
    document = read(json.dumps(content))
    assert document is not None
    assert document.policies[0].rules[0].params == {"reason": "\\ud83d 😀"}


def test_options_of_a_provider_are_checked_for_repeated_keys_too() -> None:
    assert read("providers: {mock: [{id: a, pools: {x: {limit: 1}, x: {limit: 2}}}]}") is None
    merged = read("providers: {mock: [{id: a, pools: {x: &x {limit: 1}, y: {<<: *x, burst: 2}}}]}")
    assert merged is not None
    assert merged.providers[0].options["pools"]["y"] == {"limit": 1, "burst": 2}


def test_thousands_of_wrong_names_are_not_compared_with_thousands_of_right_ones() -> None:
    known = "".join(f"  work-{n:04}: {{}}\n" for n in range(1000))
    wrong = "".join(
        f"    - {{name: r{n}, action: degrade, params: {{to: wrok-{n:04}}}}}\n" for n in range(90)
    )
    text = f"workloads:\n{known}policies:\n- id: p\n  rules:\n{wrong}"

    with pytest.raises(PolicyError) as refused:
        read_document(text, "many.yaml", ACTIONS, (), CONDITIONS)

    found = refused.value.findings
    assert len(found) == 90
    assert found[0].hint == "did you mean 'work-0000'?"
    assert [one.hint for one in found[50:]] == [""] * 40  # 50 times 1000 comparisons are enough
