"""Tells the daemon what the simulated providers count, as a proxy that sees their replies would."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ratelord import AsyncClient, RatelordError
from ratelord_core.model.instant import SECOND, Micros, to_text
from ratelord_core.model.observation import Observation
from ratelord_sim.live.pacing import LiveStage
from ratelord_sim.provider.service import Service
from ratelord_sim.stage import Process


class Feeder:
    """Sends each provider's numbers in the rhythm of its polls. ``epoch`` is the instant of life
    (µs since 1970) at which the stage began."""

    def __init__(self, stage: LiveStage, client: AsyncClient, epoch: Micros) -> None:
        self._stage = stage
        self._client = client
        self._epoch = epoch
        self.sent = 0
        self.failed = 0

    async def introduce(self, services: Iterable[Service]) -> None:
        """Tell the first numbers before anybody asks. Raises ``RatelordError`` if the daemon does
        not take them."""
        for service in services:
            for seen in service.numbers(self._stage.now):
                await self._observe(seen)

    def keep(self, service: Service) -> Process:
        """One provider, for as long as the play lasts."""
        while True:
            yield service.terms.poll_interval
            latency = service.poll_latency()
            if latency is None or service.poll_failure() is not None:
                continue
            sent = self._stage.now
            yield latency // 2
            for seen in service.numbers(sent):
                self._stage.begin(partial(self._send, seen))

    async def _send(self, seen: Observation) -> None:
        try:
            await self._observe(seen)
        except RatelordError:
            self.failed += 1

    async def _observe(self, seen: Observation) -> None:
        self.sent += 1
        await self._client.observe(
            seen.provider_id,
            pool_id=seen.pool_id,
            limit=seen.limit,
            used=seen.used,
            reset_at=None if seen.reset_at is None else self._text(seen.reset_at),
            ts_event=self._text(seen.dated),
        )

    def _text(self, instant: Micros) -> str:
        """An instant of the scenario as one of life."""
        span = (instant - self._stage.start) / (SECOND * self._stage.speed)
        return to_text(self._epoch + round(span * SECOND))
