"""Who is speaking to the arbiter, and through which door."""

from __future__ import annotations

from typing import Final

import msgspec

from ratelord_core.model.identity import Identity, Role


class Caller(msgspec.Struct, frozen=True):
    """A caller as its door made sure of it.

    ``identity_id`` is set when a token said so; an ``agent`` with one acts as that identity only.
    ``door`` is http, mcp, cli or daemon; ``request_id`` goes on every log line. ``agent_id`` is the
    agent that owns the identity, if one does. ``audience`` are the addresses that the token is for,
    empty = wherever it is known. ``may_override``: what it says of a human's yes is believed.
    """

    role: Role = "admin"
    identity_id: str | None = None
    door: str = "daemon"
    request_id: str = ""
    agent_id: str | None = None
    audience: tuple[str, ...] = ()
    may_override: bool = False


MAY_OVERRIDE: Final = "may_override"
"""The metadata of an identity that asks humans on behalf of agents: a gateway's; ``yes``, if so."""
LOCAL_OPERATOR = Caller()
"""The person at this machine."""


def caller_for(owner: Identity) -> Caller:
    """Whoever shows this identity's token."""
    agent = owner.owner if owner.owner_kind == "agent" else None
    audience = tuple(owner.metadata.get("audience", "").split())
    may_override = owner.metadata.get(MAY_OVERRIDE) == "yes"
    return Caller(
        owner.role,
        owner.identity_id,
        agent_id=agent,
        audience=audience,
        may_override=may_override,
    )
