"""``{agent-tools}`` and ``{agent-resources}``: what agents get over MCP, from the records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ratelord_core.agent_tools import AgentTool
from ratelord_mcp import shelf
from ratelord_mcp.schema import input_schema, lean_schema
from ratelord_mcp.tools.ask import ask_intent
from ratelord_mcp.tools.report import REPORT_USAGE
from ratelord_mcp.tools.table import LOOKING

TOOLS = (ask_intent(), REPORT_USAGE, *LOOKING)


def tools_markdown() -> str:
    """Every tool: what models read, what it takes, what it gives."""
    return "\n".join(line for tool in TOOLS for line in _tool(tool))


def resources_markdown() -> str:
    """Every resource with its address."""
    rows = [f"| `{one.uri}` | {one.title} | {one.description} |" for one in shelf.RESOURCES]
    return "\n".join(["| address | what | holds |", "|---|---|---|", *rows])


def _tool(tool: AgentTool) -> list[str]:
    takes = input_schema(tool.takes, tool.hints, tool.offers)
    required = takes.get("required", ())
    rows = [
        f"| `{name}`{' (required)' if name in required else ''} | {_kind(field)} "
        f"| {field.get('description', '')} |"
        for name, field in takes["properties"].items()
    ]
    gives = lean_schema(tool.gives)["properties"]
    results = [f"| `{name}` | {_kind(field)} |" for name, field in gives.items()]
    return [
        f"## `{tool.name}`",
        "",
        *(f"> {tool.description}", ""),
        *("| argument | type | hint |", "|---|---|---|", *rows, ""),
        *("| result | type |", "|---|---|", *results, ""),
    ]


def _kind(schema: dict[str, Any]) -> str:
    """A type in a few words."""
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"] if choice is not None)
    if "items" in schema:
        return f"list of {_kind(schema['items'])}"
    if "properties" in schema:
        return "{" + ", ".join(f"`{name}`" for name in schema["properties"]) + "}"
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"])
    kinds = schema.get("type", "any")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _directive(markdown_of: Callable[[], str]) -> type[SphinxDirective]:
    class Reference(SphinxDirective):
        """Puts the generated lines into the page."""

        def run(self) -> list[nodes.Node]:
            section = nodes.container()
            lines = StringList(markdown_of().splitlines(), source="ratelord_mcp")
            self.state.nested_parse(lines, self.content_offset, section, match_titles=True)
            return section.children

    return Reference


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directives known to Sphinx."""
    app.add_directive("agent-tools", _directive(tools_markdown))
    app.add_directive("agent-resources", _directive(resources_markdown))
    return {"parallel_read_safe": True}
