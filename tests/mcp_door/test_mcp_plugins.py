"""Tools and resources of plugins: ``ratelord_register_agent_tools``,
``ratelord_register_agent_resources``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from ratelord_core import plugins
from ratelord_core.agent_tools import AgentResource, AgentTool, Reading, ToolCall
from ratelord_core.errors import NotFound, PluginError
from ratelord_mcp.server import own_offers

Run = Callable[..., Any]
Visit = Callable[..., Any]


class Place(msgspec.Struct, frozen=True):
    city: str


class Weather(msgspec.Struct, frozen=True):
    sky: str
    city: str


async def look_up(call: ToolCall) -> Weather:
    if call.arguments.city == "broken":
        raise RuntimeError("a secret of the plugin")
    if call.arguments.city == "nowhere":
        raise NotFound("no city 'nowhere'; try 'here'")
    return Weather("blue", call.arguments.city)


async def read_note(call: ToolCall) -> Reading:
    if call.arguments["name"] == "none":
        raise NotFound("no such note")
    return Reading(f"note {call.arguments['name']}", 2.0)


TOOL = AgentTool("weather", "The sky over a city.", Place, Weather, look_up)
NOTE = AgentResource(
    "notes://{name}", "note", "Note", "A note.", read_note, media_type="text/plain"
)


def offers(hook: str) -> Iterable[Any]:
    more = {"ratelord_register_agent_tools": TOOL, "ratelord_register_agent_resources": NOTE}
    return [*own_offers(hook), more[hook]]


def test_a_plugins_tool_is_listed_and_called_like_ours(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit(offers=offers) as guest:
            listed = {tool.name: tool for tool in (await guest.client.list_tools()).tools}
            assert listed["weather"].input_schema == {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "additionalProperties": False,
                "required": ["city"],
            }
            assert await guest.told("weather", city="here") == {"sky": "blue", "city": "here"}
            assert (
                await guest.mistaken("weather", city="nowhere") == "no city 'nowhere'; try 'here'"
            )

    run(scene)


def test_what_breaks_in_a_plugins_tool_is_not_told_to_the_model(
    visit: Visit, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        async with visit(offers=offers) as guest:
            line = await guest.mistaken("weather", city="broken")
            assert "secret" not in line
            assert "try again" in line

    run(scene)
    assert "tool weather failed" in caplog.text


def test_a_plugins_resource_is_read_at_its_address(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit(offers=offers) as guest:
            templates = (await guest.client.list_resource_templates()).resource_templates
            assert "notes://{name}" in [template.uri_template for template in templates]

    run(scene)


def test_two_tools_of_one_name_stop_the_door() -> None:
    from ratelord_mcp.alerts import Alerts
    from ratelord_mcp.toolbox import Toolbox

    with pytest.raises(PluginError, match="two tools are called 'weather'"):
        Toolbox(
            None, lambda _context: None, [TOOL, TOOL], Alerts(lambda _pool: None), blocking=False
        )  # type: ignore[arg-type]


def test_our_own_tools_come_through_the_same_hooks() -> None:
    loaded = plugins.load()
    tools = [tool.name for _, tool in loaded.gather("ratelord_register_agent_tools")]
    addresses = [one.uri for _, one in loaded.gather("ratelord_register_agent_resources")]

    assert tools == [
        "check_usage",
        "list_constraints",
        "forecast",
        "explain_decision",
        "plan_intents",
    ]
    assert "ratelord://pools/{provider_id}/{pool_id}" in addresses
