"""Who, with which credential, doing what, where: the four names that every event carries."""

from __future__ import annotations

import msgspec

from ratelord_core.model.ids import GLOBAL, SYSTEM


class Dimensions(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The four dimensions; never null, unknown ones are sentinels."""

    agent_id: str
    identity_id: str
    workload_id: str
    scope_id: str


DAEMON = Dimensions(SYSTEM, SYSTEM, SYSTEM, GLOBAL)
"""The daemon acting on its own account."""
