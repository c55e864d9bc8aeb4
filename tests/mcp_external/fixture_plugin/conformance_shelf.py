"""The suite's resources, prompts and completions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from conformance_questions import PROMPT
from conformance_tools import PIXEL, embedded, picture, text
from mcp import MCPError, types

Context = Any
FOR_LONG: dict[str, Any] = {"ttl_ms": 60_000, "cache_scope": "public"}
TEXT, BINARY, WATCHED = "test://static-text", "test://static-binary", "test://watched-resource"
TEMPLATE = "test://template/{id}/data"
_FILLED = re.compile(r"test://template/([^/]+)/data")


async def done(_context: Context, _params: Any) -> types.EmptyResult:
    """As you wish."""
    return types.EmptyResult()


async def list_resources(_context: Context, _params: Any) -> types.ListResourcesResult:
    """What there is."""
    resources = [
        types.Resource(uri=uri, name=uri.partition("://")[2], description="The suite reads it.")
        for uri in (TEXT, BINARY, WATCHED)
    ]
    return types.ListResourcesResult(resources=resources, **FOR_LONG)


async def list_templates(_context: Context, _params: Any) -> types.ListResourceTemplatesResult:
    """The template."""
    template = types.ResourceTemplate(
        uri_template=TEMPLATE, name="template", description="The suite fills it in."
    )
    return types.ListResourceTemplatesResult(resource_templates=[template], **FOR_LONG)


async def read(_context: Context, params: types.ReadResourceRequestParams) -> Any:
    """Read one."""
    uri = str(params.uri)
    contents = _contents(uri)
    if contents is None:
        raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": uri})
    return types.ReadResourceResult(contents=[contents], **FOR_LONG)


def _contents(uri: str) -> types.TextResourceContents | types.BlobResourceContents | None:
    if uri == BINARY:
        return types.BlobResourceContents(uri=uri, mime_type="image/png", blob=PIXEL)
    if uri in {TEXT, WATCHED}:
        words = "This is the content of the static text resource."
        return types.TextResourceContents(uri=uri, mime_type="text/plain", text=words)
    if found := _FILLED.fullmatch(uri):
        name = found[1]
        data = {"id": name, "templateTest": True, "data": f"Data for ID: {name}"}
        return types.TextResourceContents(
            uri=uri, mime_type="application/json", text=json.dumps(data)
        )
    return None


def _argument(name: str) -> types.PromptArgument:
    return types.PromptArgument(name=name, description=f"The suite gives {name}.", required=True)


PROMPTS = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    PROMPT.name: (),
}


async def list_prompts(_context: Context, _params: Any) -> types.ListPromptsResult:
    """The prompts."""
    prompts = [
        types.Prompt(
            name=name,
            description="The suite gets it.",
            arguments=[_argument(argument) for argument in arguments],
        )
        for name, arguments in PROMPTS.items()
    ]
    return types.ListPromptsResult(prompts=prompts, **FOR_LONG)


def get_prompt(name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
    """A prompt that needs no answers."""
    contents: dict[str, list[types.ContentBlock]] = {
        "test_simple_prompt": [text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments": [
            text(
                f"Prompt with arguments: arg1='{arguments.get('arg1')}', "
                f"arg2='{arguments.get('arg2')}'"
            )
        ],
        "test_prompt_with_embedded_resource": [
            embedded(arguments.get("resourceUri", TEXT), "Embedded resource content for testing."),
            text("Please process the embedded resource above."),
        ],
        "test_prompt_with_image": [picture(), text("Please analyze the image above.")],
    }
    if name not in contents:
        raise MCPError(types.INVALID_PARAMS, f"unknown prompt: {name}")
    messages = [types.PromptMessage(role="user", content=content) for content in contents[name]]
    return types.GetPromptResult(messages=messages)


async def complete(_context: Context, _params: Any) -> types.CompleteResult:
    """Always the same suggestions."""
    values = ["paris", "park", "party"]
    return types.CompleteResult(completion=types.Completion(values=values, total=3, has_more=False))
