"""Whom a call speaks for: with a token, the token says; an argument is only a claim."""

from __future__ import annotations

from ratelord_core.errors import Forbidden
from ratelord_core.model.caller import Caller

_ASKERS = ("agent", "admin")


def may_ask(caller: Caller) -> None:
    """Raise ``Forbidden`` for a caller whose role only reads."""
    if caller.role not in _ASKERS:
        raise Forbidden(f"role {caller.role} may only look; use a token of role agent")


def speaks_for_itself(caller: Caller) -> bool:
    """Whether a token says who this is: an agent acts as its own identity only."""
    return caller.role == "agent" and caller.identity_id is not None


def identity_of(caller: Caller, claimed: str | None) -> str | None:
    """The identity that is charged. An agent's token is charged to its own; a claim that
    contradicts it is ``Forbidden``, so that nobody plans with another's budget."""
    if not speaks_for_itself(caller):
        return claimed
    if claimed is not None and claimed != caller.identity_id:
        raise Forbidden(
            f"this token is of identity {caller.identity_id}, not of {claimed}; "
            "leave identity_id out"
        )
    return caller.identity_id


def agent_of(caller: Caller, claimed: str) -> str:
    """The agent that asks: the one that owns the token, else the token's identity."""
    if not speaks_for_itself(caller):
        return claimed
    return caller.agent_id or caller.identity_id or claimed


def said_by_token(caller: Caller, fields: tuple[str, ...]) -> dict[str, str]:
    """What the token answers of these arguments."""
    if not speaks_for_itself(caller) or caller.identity_id is None:
        return {}
    said = {"identity_id": caller.identity_id, "agent_id": agent_of(caller, caller.identity_id)}
    return {name: said[name] for name in fields}
