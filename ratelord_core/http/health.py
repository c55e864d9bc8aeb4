"""How the daemon is: in full, and in one word for orchestrators."""

from __future__ import annotations

import msgspec

from ratelord_core.arbiter import Arbiter
from ratelord_core.http.exchange import Answer, Exchange, json_reply
from ratelord_core.model.views import HealthView

READY = frozenset({"ok", "degraded"})
"""The states in which questions are answered."""


class StatusView(msgspec.Struct, frozen=True):
    """The daemon's state in one word."""

    status: str


class Health:
    """What HTTP says of the daemon's health."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter

    async def show(self, exchange: Exchange) -> Answer:
        """How the daemon and its providers are.

        Always a 200; `status` is `ok`, `degraded` (a provider fails, or a plugin: see
        `failed_models`, `failed_controllers`), `initializing` or `read_only` (the log cannot be
        written). `system_status` and `risk_score` (0-100) speak of the pools, `seq` is the newest
        event.
        """
        return json_reply(self._arbiter.health())

    async def live(self, exchange: Exchange) -> Answer:
        """Whether anybody answers: a 200."""
        return json_reply(StatusView("live"))

    async def ready(self, exchange: Exchange) -> Answer:
        """Whether questions are decided: a 200 if so, else a 503."""
        health: HealthView = self._arbiter.health()
        return json_reply(StatusView(health.status), 200 if health.status in READY else 503)
