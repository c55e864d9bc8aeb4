"""What coding agents tell a hook before a tool runs, and the answers that they understand.

Nothing that is said of a tool's arguments finds its way into an answer, an error or a log.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

Verdict = Literal["allow", "deny", "ask", "pass"]
"""``pass``: no opinion; the host's own permissions decide."""

LONGEST_KEY: Final = 256
LARGEST: Final = 16 * 1024 * 1024
_TOOL: Final = ("tool_name", "toolName", "tool", "name")
_ARGUMENTS: Final = ("tool_input", "toolInput", "toolArgs", "arguments", "params")
_KEY: Final = ("tool_use_id", "toolUseId", "tool_call_id", "toolCallId")
_SESSION: Final = ("session_id", "sessionId", "conversation_id")


class ToolUse(msgspec.Struct, frozen=True):
    """A tool that is about to run. ``server`` is "" for a tool of the host itself; ``key`` is the
    same whenever a hook is called for the same use, ``session`` for everything that the host's
    agent does in one sitting."""

    event: str
    server: str
    tool: str
    arguments: dict[str, Any]
    key: str | None = None
    session: str = ""


class NoToolUse(ValueError):
    """The input does not say which tool is about to run."""


def read(content: bytes) -> ToolUse:
    """What a host wrote to the hook's standard input, in whichever of the known spellings.

    Raises ``NoToolUse``.
    """
    try:
        said = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NoToolUse("the input is not a JSON object; call this as a host's hook") from None
    event = _text(said, ("hook_event_name", "hookEventName", "event")) or "PreToolUse"
    tool = _text(said, _TOOL) or ("Shell" if event == "beforeShellExecution" else "")
    if not tool:
        raise NoToolUse("the input names no tool_name; call this before a tool runs")
    server, name = _split(tool)
    use, session = _text(said, _KEY), _text(said, _SESSION)
    key = f"hook:{session}:{use}"[:LONGEST_KEY] if use else None
    return ToolUse(event, server, name, _arguments(said), key, session)


def answer(use: ToolUse, verdict: Verdict, reason: str) -> dict[str, Any]:
    """The answer in the words of the host that asked."""
    if use.event.startswith("before"):  # Cursor
        shown = "allow" if verdict == "pass" else verdict
        return {"permission": shown, "user_message": reason, "agent_message": reason}
    if use.event == "BeforeTool":  # Gemini CLI, which asks nobody
        return {"decision": "allow" if verdict in ("allow", "pass") else "deny", "reason": reason}
    if verdict == "pass":
        return {}
    return {
        "hookSpecificOutput": {
            "hookEventName": use.event,
            "permissionDecision": verdict,
            "permissionDecisionReason": reason,
        }
    }


def written(answer: dict[str, Any]) -> str:
    """An answer as a line."""
    return msgspec.json.encode(answer).decode()


def _split(tool: str) -> tuple[str, str]:
    """Tools of MCP servers are called ``mcp__SERVER__TOOL``."""
    prefix, _, rest = tool.partition("__")
    server, _, name = rest.partition("__")
    return (server, name) if prefix == "mcp" and server and name else ("", tool)


def _arguments(said: dict[str, Any]) -> dict[str, Any]:
    for name in _ARGUMENTS:
        found = said.get(name)
        if isinstance(found, str):
            try:
                found = msgspec.json.decode(found)
            except msgspec.MsgspecError:
                continue
        if isinstance(found, dict):
            return found
    return {name: said[name] for name in ("command", "file_path") if name in said}


def _text(said: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((said[name] for name in names if isinstance(said.get(name), str)), "")
