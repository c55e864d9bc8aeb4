"""How much of each window was used when it ended, as the provider counted."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ratelord_core.model.instant import Micros
from ratelord_sim.provider.service import Service

MOST = 500
"""Resets of a pool that are listed one by one."""


class Ending(msgspec.Struct, frozen=True):
    """A window that ended, at so many µs since the start, with so many units used."""

    at: Micros
    used: int


class Resets:
    """Keeps every pool's endings."""

    def __init__(self, services: dict[str, Service]) -> None:
        self.endings: dict[str, list[Ending]] = {}
        for service in services.values():
            for key, meter in service.truth.items():
                meter.ended = self._listing(key, service.stage.start)

    def _listing(self, key: str, start: Micros) -> Callable[[Micros, int], None]:
        listed = self.endings[key] = []
        return lambda at, used: listed.append(Ending(at - start, used))
