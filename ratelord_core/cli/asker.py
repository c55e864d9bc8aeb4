"""Who asks when nobody says: so that ``ratelord ask WORKLOAD`` is enough."""

from __future__ import annotations

import getpass
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ratelord import Client


def default_agent() -> str:
    """``RATELORD_AGENT``, or ``cli:`` and the user's name."""
    return os.environ.get("RATELORD_AGENT") or f"cli:{user()}"


def default_identity(client: Client) -> str:
    """``RATELORD_IDENTITY``, or the only active identity, or ``cli:`` and the user's name.

    A daemon that does not list its identities (to this caller) counts as one that has none.
    """
    from ratelord import RatelordError

    named = os.environ.get("RATELORD_IDENTITY")
    if named:
        return named
    try:
        active = [row for row in client.identities() if row.get("status") == "active"]
    except RatelordError:
        active = []
    return str(active[0]["identity_id"]) if len(active) == 1 else f"cli:{user()}"


def user() -> str:
    """The name of whoever is logged in, as an id."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "user"
    return re.sub(r"[^A-Za-z0-9._@+-]", "-", name)[:200] or "user"
