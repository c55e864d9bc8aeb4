"""``list_constraints``: what binds an agent, page by page."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from ratelord_core.agent_tools import AgentTool, ToolCall
from ratelord_core.errors import FieldError
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import ROOT_SCOPE, UNKNOWN
from ratelord_core.wire.faults import Faults, check_id, invalid, refuse, shown
from ratelord_mcp.identity import agent_of, identity_of

PAGE: Final = 20
"""Constraints of one answer."""


class ConstraintsArguments(msgspec.Struct, frozen=True):
    """Whom to look at. Without a workload: every declared one."""

    agent_id: str | None = None
    identity_id: str | None = None
    workload_id: str | None = None
    scope_id: str | None = None
    cursor: str | None = None


class Constraint(msgspec.Struct, frozen=True):
    """One thing that binds, in one sentence."""

    kind: Literal["pool", "rule", "identity"]
    id: str
    text: str


class Constraints(msgspec.Struct, frozen=True):
    """A page; ``next_cursor`` leads to the next one."""

    constraints: list[Constraint]
    next_cursor: str | None
    alerts: list[str] = []


async def run(call: ToolCall) -> Constraints:
    """Look."""
    asked: ConstraintsArguments = call.arguments
    start = _start(asked.cursor)
    found = await call.arbiter.constraints(who(call, asked))
    page = [Constraint(one.kind, one.id, one.text) for one in found[start : start + PAGE]]
    more = start + PAGE < len(found)
    return Constraints(page, str(start + PAGE) if more else None)


def who(call: ToolCall, asked: ConstraintsArguments) -> Dimensions:
    """The dimensions that are asked about; a token's own identity, if it is an agent's."""
    faults: Faults = []
    for name in ("agent_id", "identity_id", "workload_id", "scope_id"):
        check_id(faults, name, getattr(asked, name))
    refuse(faults)
    return Dimensions(
        agent_of(call.caller, asked.agent_id or UNKNOWN),
        identity_of(call.caller, asked.identity_id) or UNKNOWN,
        asked.workload_id or UNKNOWN,
        asked.scope_id or ROOT_SCOPE,
    )


def _start(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 9):
        message = f"{shown(cursor)} is no cursor; pass the next_cursor of the page before"
        raise invalid((FieldError("cursor", message),))
    return int(cursor)


LIST_CONSTRAINTS: Final = AgentTool(
    name="list_constraints",
    description=("Every pool and policy rule that binds you: read it before you start."),
    takes=ConstraintsArguments,
    gives=Constraints,
    run=run,
)
