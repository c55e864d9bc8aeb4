"""``ratelord-aware``: the rules of working under constraints, with those that bind right now."""

from __future__ import annotations

from typing import Final

from mcp import MCPError, types

from ratelord_core.arbiter import Arbiter
from ratelord_core.errors import RatelordError
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import ROOT_SCOPE, UNKNOWN
from ratelord_core.model.prospects import ConstraintView
from ratelord_core.wire.faults import Faults, check_id, refuse, shown
from ratelord_mcp.call import Context
from ratelord_mcp.identity import agent_of, identity_of
from ratelord_mcp.toolbox import CallerOf

NAME: Final = "ratelord-aware"
LINES: Final = 6
"""Constraints that are named; the tightest first."""
LONGEST: Final = 90
"""Characters of one of them."""
INSTRUCTIONS: Final = (
    "ratelord decides whether constrained actions (API calls, tokens, money, parallel jobs) are "
    "safe now. Before each one call ask_intent, wait wait_seconds and act only if allowed; "
    "afterwards call report_usage with its intent_id. When denied, do other work until retry_at; "
    "check_usage, forecast, list_constraints and plan_intents help you plan, explain_decision says "
    "why."
)
"""The workflow across tools, for clients that show it to the model."""

PROMPT: Final = types.Prompt(
    name=NAME,
    title="Work within your constraints",
    description="How to work under constraints, with those that bind you now.",
    arguments=[
        types.PromptArgument(
            name="agent_id", description="The agent's own stable name.", required=False
        ),
        types.PromptArgument(
            name="scope_id", description="Where it works, e.g. repo:acme/api.", required=False
        ),
    ],
)


class Prompts:
    """Lists and writes the prompt."""

    def __init__(self, arbiter: Arbiter, caller_of: CallerOf) -> None:
        self._arbiter = arbiter
        self._caller_of = caller_of

    async def list(
        self, _context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        """The one there is."""
        return types.ListPromptsResult(prompts=[PROMPT], ttl_ms=3_600_000, cache_scope="public")

    async def get(
        self, context: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        """The text, as of now."""
        if params.name != NAME:
            message = f"Unknown prompt: {shown(params.name)}; there is {NAME}"
            raise MCPError(types.INVALID_PARAMS, message)
        given = params.arguments or {}
        unknown = sorted(given.keys() - {"agent_id", "scope_id"})
        if unknown:
            message = f"{shown(unknown[0])} is not an argument; it takes agent_id and scope_id"
            raise MCPError(types.INVALID_PARAMS, message)
        try:
            who = self._who(context, given)
            found = await self._arbiter.constraints(who)
        except RatelordError as error:
            raise MCPError(types.INVALID_PARAMS, str(error)) from None
        text = types.TextContent(type="text", text=written(who, found))
        message_of = types.PromptMessage(role="user", content=text)
        return types.GetPromptResult(description=PROMPT.description, messages=[message_of])

    def _who(self, context: Context, given: dict[str, str]) -> Dimensions:
        faults: Faults = []
        for name in ("agent_id", "scope_id"):
            check_id(faults, name, given.get(name) or None)
        refuse(faults)
        caller = self._caller_of(context)
        return Dimensions(
            agent_of(caller, given.get("agent_id") or UNKNOWN),
            identity_of(caller, None) or UNKNOWN,
            UNKNOWN,
            given.get("scope_id") or ROOT_SCOPE,
        )


def written(who: Dimensions, found: list[ConstraintView]) -> str:
    """The prompt: three rules, then what binds, the tightest first."""
    name = "" if who.agent_id == UNKNOWN else f" as agent_id={who.agent_id}"
    rules = (
        f"You work under constraints that ratelord keeps{name}, scope_id={who.scope_id}.\n"
        "1. Call ask_intent before every constrained action; act only if allowed, after "
        "wait_seconds, as modifications say.\n"
        "2. Call report_usage afterwards with the intent_id, also when it failed.\n"
        "3. When denied, do other work until retry_at; never retry in a loop.\n"
    )
    shown_first = sorted(found, key=_tightness)
    lines = [f"- {_cut(f'{one.id}: {one.text}')}" for one in shown_first[:LINES]]
    more = len(found) - len(lines)
    if more > 0:
        lines.append(f"- and {more} more: list_constraints")
    return rules + ("Binding now:\n" + "\n".join(lines) if lines else "Nothing binds now.")


def _tightness(one: ConstraintView) -> tuple[int, float]:
    """What stops everything first, then pools by what is left of them, then rules."""
    if one.kind == "identity":
        return (0, 0.0)
    if one.kind == "rule" or one.available is None:
        return (2, 0.0)
    return (1, one.available / one.limit if one.limit else 0.0)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
