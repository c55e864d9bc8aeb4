"""What a call of a tool is, by the policy in force."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_actions.plugin import ratelord_register_policy_actions
from ratelord_core.model.ids import is_id
from ratelord_core.policy.stack import load
from ratelord_core.policy.written import as_written
from ratelord_core.tool_mapping import MappingFailed, ToolMapping, as_id

ACTIONS: dict[str, Any] = {action.name: action for action in ratelord_register_policy_actions()}


def mapping(tools: str) -> ToolMapping:
    """The mapping of a policy, as it arrives over the wire."""
    document = load(f"tools:\n{tools}", "policy.yaml", ACTIONS, ()).document
    wire = {"version": document.version, "tools": as_written(document)["tools"], "pools": {}}
    return ToolMapping.from_wire(msgspec.json.decode(msgspec.json.encode(wire)))


def test_without_an_entry_the_work_is_server_and_tool() -> None:
    plan = ToolMapping().plan("git", "log", {"n": 1})

    assert (plan.workload_id, plan.scope_id, plan.ask) == ("git/log", "global", True)
    assert plan.options == {}


def test_the_first_entry_that_matches_counts() -> None:
    found = mapping(
        "  - {match: git/log, when: args.n > 5, workload: long}\n"
        "  - {match: git/*, workload: short}\n"
        "  - {match: '*', workload: other}\n"
    )

    assert found.plan("git", "log", {"n": 6}).workload_id == "long"
    assert found.plan("git", "log", {"n": 5}).workload_id == "short"
    assert found.plan("gitlab", "log", {}).workload_id == "other"


def test_arguments_say_where_and_how_much() -> None:
    found = mapping(
        "  - match: gh/*\n"
        '    scope: "repo:${args.owner}/${args.repo}"\n'
        '    costs: {m/tokens: "size(args.text) / 2", cap: 3}\n'
        "    expected_cost: args.n * 1.5\n"
        "    duration: args.n\n"
        "    urgency: high\n"
        "    max_wait: 1500ms\n"
        "    pool: default\n"
    )

    plan = found.plan("gh", "scan", {"owner": "acme", "repo": "api", "text": "eight ch", "n": 4})

    assert plan.scope_id == "repo:acme/api"
    assert plan.options == {
        "urgency": "high",
        "expected_cost": 6.0,
        "costs": {"m/tokens": 4.0, "local/cap": 3.0},
        "duration_hint": 4.0,
        "max_wait": 1.5,
        "pool_id": "default",
    }


@pytest.mark.parametrize(
    ("entry", "arguments"),
    [
        ("{match: a/b, expected_cost: args.n}", {}),
        ("{match: a/b, expected_cost: args.n}", {"n": "many"}),
        ("{match: a/b, expected_cost: args.n}", {"n": -1}),
        ("{match: a/b, expected_cost: 1 / args.n}", {"n": 0}),
        ("{match: a/b, when: args.n}", {"n": 1}),
        ("{match: a/b, scope: '${args.n}'}", {"n": {"deep": 1}}),
        ("{match: a/b, expected_cost: args.n}", {"n": 10**400}),
    ],
)
def test_arguments_without_a_value_refuse_the_call_and_name_the_entry(
    entry: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(MappingFailed, match="of tools entry 'a/b' has no value"):
        mapping(f"  - {entry}\n").plan("a", "b", arguments)


def test_what_it_really_cost_comes_from_the_result() -> None:
    found = mapping(
        "  - match: a/b\n"
        "    actual_cost: 'failed ? 0 : 2'\n"
        "    actual_costs: {m/tokens: result._meta.usage.total, m/s: seconds, m/none: result.no}\n"
    )
    plan = found.plan("a", "b", {})
    result = {"_meta": {"usage": {"total": 7}}}

    actual = found.actual(plan, "a", "b", {}, result, failed=False, seconds=1.5)

    assert actual.actual_cost == 2.0
    assert actual.costs == {"m/tokens": 7.0, "m/s": 1.5}


def test_a_mapping_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(MappingFailed, match="cannot be read"):
        ToolMapping.from_wire({"tools": [{"match": 3}]})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "text"]), anything, max_size=3))
def test_whatever_the_arguments_a_plan_is_valid_or_refused(arguments: dict[str, Any]) -> None:
    try:
        plan = STRICT.plan("s", "t", arguments)
    except MappingFailed:
        return
    assert is_id(plan.workload_id)
    assert is_id(plan.scope_id)
    assert plan.options["expected_cost"] >= 0


STRICT = mapping(
    "  - {match: s/t, workload: 'w:${args.a}', scope: '${args.b}', expected_cost: size(args.text)}\n"
)


@given(st.text(max_size=300))
def test_any_text_makes_an_id(text: str) -> None:
    assert is_id(as_id(text))
