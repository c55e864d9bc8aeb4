"""Descriptions are prompts: they must lead to the right tool, be small, and never change unnoticed.

No model is asked. A reader that only weighs words stands for one: where even it finds the tool, and
no other tool's description draws it away, a model will.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.mcp_wire import Wire
from ratelord_mcp.prompt import INSTRUCTIONS

DATA = Path(__file__).parents[1] / "data" / "mcp"
GOLDEN = DATA / "tools_list.json"
TRANSCRIPTS = yaml.safe_load((DATA / "transcripts.yaml").read_text(encoding="utf-8"))
TOOLS = json.loads(GOLDEN.read_text(encoding="utf-8"))["tools"]
ANNOTATIONS = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
Run = Callable[..., Any]
Visit = Callable[..., Any]


def test_the_list_of_tools_is_as_it_was_agreed_on_byte_for_byte_in_any_process(
    wire: Wire, start: Callable[..., DaemonProcess]
) -> None:
    other = Wire(start(PYTHONHASHSEED="1").url)
    try:
        told = [one.modern("tools/list").content for one in (wire, other)]
    finally:
        other.http.close()

    assert told[0] == told[1]
    assert json.loads(told[0])["result"] == json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert len(told[0]) <= 6 * 1024


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool["name"])
def test_a_tool_says_everything_that_hosts_look_for(tool: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", tool["name"])
    assert set(tool["annotations"]) == ANNOTATIONS
    assert tool["annotations"]["readOnlyHint"] == (
        tool["name"] not in ("ask_intent", "report_usage")
    )
    assert tool["inputSchema"]["additionalProperties"] is False
    assert tool["outputSchema"]["type"] == "object"
    for schema in (tool["inputSchema"], tool["outputSchema"]):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert '"title"' not in json.dumps(schema)


def test_there_are_ten_tools_at_most_and_the_instructions_name_them_in_three_sentences() -> None:
    assert len(TOOLS) <= 10
    assert [tool["name"] for tool in TOOLS if tool["name"] not in INSTRUCTIONS] == []
    assert INSTRUCTIONS.count(". ") == 2


# --- the reader -----------------------------------------------------------------------------------


def words(text: str) -> list[str]:
    """The words of a text, without their endings."""
    found = re.findall(r"[a-z0-9]+", text.lower().replace("_", " "))
    return [re.sub(r"(ing|ed|es|s)$", "", word) if len(word) > 3 else word for word in found]


def page(tool: dict[str, Any]) -> Counter[str]:
    """What a reader sees of a tool; its name counts twice."""
    properties = tool["inputSchema"]["properties"]
    hints = " ".join(f"{name} {field.get('description', '')}" for name, field in properties.items())
    return Counter(words(f"{tool['name']} {tool['name']} {tool['description']} {hints}"))


PAGES = {tool["name"]: page(tool) for tool in TOOLS}


def rarity(word: str) -> float:
    """What a word tells of a tool: much if few tools have it."""
    return math.log((1 + len(PAGES)) / (1 + sum(word in seen for seen in PAGES.values())))


def choice(thought: str) -> str:
    """The tool whose page says most of what is thought."""
    thought_of = set(words(thought))

    def score(name: str) -> float:
        seen = PAGES[name]
        return sum(rarity(word) * min(2, seen[word]) for word in thought_of)

    return max(PAGES, key=score)


STEPS = [
    (transcript["goal"], step["thinks"], step["calls"])
    for transcript in TRANSCRIPTS
    for step in transcript["steps"]
]


@pytest.mark.parametrize(("goal", "thinks", "calls"), STEPS, ids=lambda value: value[:40])
def test_a_thought_leads_to_the_right_tool(goal: str, thinks: str, calls: str) -> None:
    assert choice(thinks) == calls


def test_every_tool_is_needed_by_some_transcript() -> None:
    assert {calls for _, _, calls in STEPS} == set(PAGES)


# --- the arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda one: one["goal"])
def test_a_transcript_goes_as_it_was_agreed_on(
    visit: Visit, run: Run, transcript: dict[str, Any]
) -> None:
    schemas = {tool["name"]: tool["inputSchema"] for tool in TOOLS}

    async def scene() -> None:
        kept: dict[str, str] = {}
        async with visit() as guest:
            for step in transcript["steps"]:
                said = {name: _filled(value, kept) for name, value in step["with"].items()}
                jsonschema.validate(said, schemas[step["calls"]])
                told = await guest.told(step["calls"], **said)
                assert {name: told[name] for name in step["finds"]} == step["finds"]
                kept |= {name: told[field] for name, field in step.get("keep", {}).items()}

    run(scene)


def _filled(value: Any, kept: dict[str, str]) -> Any:
    if isinstance(value, str) and value.startswith("${"):
        return kept[value[2:-1]]
    return value
