"""The suite's tools that answer in one call."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
from mcp import MCPDeprecationWarning, MCPError, types
from mcp.server.subscriptions import InMemorySubscriptionBus, PromptsListChanged, ToolsListChanged

Context = Any
Tool = Callable[[Context, Mapping[str, Any]], Awaitable[types.CallToolResult]]

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A picture of one dot."""
SILENCE = base64.b64encode(
    b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0\x80>\0\0\x02\0\x10\0data\0\0\0\0"
).decode()
"""A sound of no length."""
PAUSE = 0.05
NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}
SCHEMAS: dict[str, dict[str, Any]] = {
    "test_sampling": {
        "type": "object",
        "properties": {"prompt": {"type": "string"}},
        "required": ["prompt"],
    },
    "test_elicitation": {
        "type": "object",
        "properties": {"message": {"type": "string"}},
        "required": ["message"],
    },
    "test_custom_header": {
        "type": "object",
        "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
    },
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}


def schema_of(name: str) -> dict[str, Any]:
    """The schema of a tool's arguments."""
    return SCHEMAS.get(name, NO_ARGUMENTS)


def listed(name: str) -> types.Tool:
    """A tool as it is listed."""
    return types.Tool(
        name=name, description=f"The suite calls {name}.", input_schema=schema_of(name)
    )


def text(words: str) -> types.TextContent:
    """Words."""
    return types.TextContent(type="text", text=words)


def picture() -> types.ImageContent:
    """The picture."""
    return types.ImageContent(type="image", data=PIXEL, mime_type="image/png")


def embedded(uri: str, words: str, mime_type: str = "text/plain") -> types.EmbeddedResource:
    """A resource inside a result."""
    contents = types.TextResourceContents(uri=uri, mime_type=mime_type, text=words)
    return types.EmbeddedResource(type="resource", resource=contents)


def gives(*content: types.ContentBlock, is_error: bool = False) -> Tool:
    """A tool that always gives the same."""

    async def tool(_context: Context, _arguments: Mapping[str, Any]) -> types.CallToolResult:
        return types.CallToolResult(content=list(content), is_error=is_error)

    return tool


async def log(context: Context, _arguments: Mapping[str, Any]) -> types.CallToolResult:
    """Log three lines."""
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            await context.session.send_log_message("info", line, None, context.request_id)
        await anyio.sleep(PAUSE)
    return types.CallToolResult(content=[text("logged")])


async def progress(context: Context, _arguments: Mapping[str, Any]) -> types.CallToolResult:
    """Tell of progress three times."""
    for done in (0, 50, 100):
        await context.session.report_progress(done, 100)
        await anyio.sleep(PAUSE)
    return types.CallToolResult(content=[text("done")])


async def sample(context: Context, arguments: Mapping[str, Any]) -> types.CallToolResult:
    """Ask the client's model."""
    content = types.TextContent(type="text", text=str(arguments["prompt"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        said = await context.session.create_message(
            [types.SamplingMessage(role="user", content=content)],
            max_tokens=100,
            related_request_id=context.request_id,
        )
    return types.CallToolResult(content=[text(f"LLM response: {said.content}")])


def asks(message: str, properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> Tool:
    """A tool that asks the human."""
    schema = {"type": "object", "properties": dict(properties), "required": list(required)}

    async def tool(context: Context, arguments: Mapping[str, Any]) -> types.CallToolResult:
        words = str(arguments.get("message", message))
        said = await context.session.elicit_form(words, schema, context.request_id)
        answer = f"Elicitation completed: action={said.action}, content={said.content}"
        return types.CallToolResult(content=[text(answer)])

    return tool


async def needs_sampling(context: Context, _arguments: Mapping[str, Any]) -> types.CallToolResult:
    """Refuse a client that has no model."""
    needed = types.ClientCapabilities(sampling=types.SamplingCapability())
    if not context.session.check_client_capability(needed):
        raise MCPError(
            types.MISSING_REQUIRED_CLIENT_CAPABILITY,
            "this tool samples",
            {"requiredCapabilities": {"sampling": {}}},
        )
    return types.CallToolResult(content=[text("sampled")])


def triggers(bus: InMemorySubscriptionBus, event: Any) -> Tool:
    """A tool that lets listeners hear of a change."""

    async def tool(_context: Context, _arguments: Mapping[str, Any]) -> types.CallToolResult:
        await bus.publish(event)
        return types.CallToolResult(content=[text("changed")])

    return tool


def choices(*names: str) -> list[dict[str, str]]:
    """Choices with titles."""
    return [{"const": name, "title": f"Choice {name}"} for name in names]


THREE = ["option1", "option2", "option3"]
DEFAULTS: dict[str, Any] = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
ENUMS: dict[str, Any] = {
    "untitledSingle": {"type": "string", "enum": THREE},
    "titledSingle": {"type": "string", "oneOf": choices("value1", "value2", "value3")},
    "legacyEnum": {"type": "string", "enum": THREE, "enumNames": ["One", "Two", "Three"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": THREE}},
    "titledMulti": {"type": "array", "items": {"anyOf": choices("value1", "value2", "value3")}},
}
USER: dict[str, Any] = {"username": {"type": "string"}, "email": {"type": "string"}}


def table(bus: InMemorySubscriptionBus) -> dict[str, Tool]:
    """The tools, by name."""
    mixed = embedded(
        "test://mixed-content-resource", '{"test":"data","value":123}', "application/json"
    )
    return {
        "test_simple_text": gives(text("This is a simple text response for testing.")),
        "test_image_content": gives(picture()),
        "test_audio_content": gives(
            types.AudioContent(type="audio", data=SILENCE, mime_type="audio/wav")
        ),
        "test_embedded_resource": gives(
            embedded("test://embedded-resource", "This is an embedded resource content.")
        ),
        "test_multiple_content_types": gives(
            text("Multiple content types test:"), picture(), mixed
        ),
        "test_error_handling": gives(
            text("This tool intentionally returns an error for testing"), is_error=True
        ),
        "test_tool_with_logging": log,
        "test_logging_tool": log,
        "test_tool_with_progress": progress,
        "test_sampling": sample,
        "test_elicitation": asks("", USER, ("username", "email")),
        "test_elicitation_sep1034_defaults": asks("Please check", DEFAULTS),
        "test_elicitation_sep1330_enums": asks("Please choose", ENUMS),
        "test_missing_capability": needs_sampling,
        "test_trigger_tool_change": triggers(bus, ToolsListChanged()),
        "test_trigger_prompt_change": triggers(bus, PromptsListChanged()),
        "test_custom_header": gives(text("the header agrees")),
        "json_schema_2020_12_tool": gives(text("valid")),
    }
