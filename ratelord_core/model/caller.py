"""Who is speaking to the arbiter, and through which door."""

from __future__ import annotations

import msgspec

from ratelord_core.model.identity import Role


class Caller(msgspec.Struct, frozen=True):
    """A caller as its door made sure of it.

    ``identity_id`` is set when a token said so; an ``agent`` with one acts as that identity only.
    ``door`` is http, mcp, cli or daemon; ``request_id`` goes on every log line.
    """

    role: Role = "admin"
    identity_id: str | None = None
    door: str = "daemon"
    request_id: str = ""


LOCAL_OPERATOR = Caller()
"""The person at this machine."""
