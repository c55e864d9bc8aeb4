"""How the daemon is: in full, and in one word for orchestrators."""

from __future__ import annotations

from ratelord_core.arbiter import Arbiter
from ratelord_core.http.exchange import Answer, Exchange, json_reply
from ratelord_core.model.views import HealthView

READY = frozenset({"ok", "degraded"})
"""The states in which questions are answered."""


class Health:
    """What HTTP says of the daemon's health."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter

    async def show(self, exchange: Exchange) -> Answer:
        """``GET /v1/health``: everything; always 200, the state is in ``status``."""
        return json_reply(self._arbiter.health())

    async def live(self, exchange: Exchange) -> Answer:
        """``GET /v1/health/live``: 200 as long as anybody can answer."""
        return json_reply({"status": "live"})

    async def ready(self, exchange: Exchange) -> Answer:
        """``GET /v1/health/ready``: 200 when questions are answered, else 503."""
        health: HealthView = self._arbiter.health()
        return json_reply({"status": health.status}, 200 if health.status in READY else 503)
