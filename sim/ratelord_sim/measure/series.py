"""What happened over time, in equal steps: for plots."""

from __future__ import annotations

import msgspec

from ratelord_core.model.instant import Micros
from ratelord_sim.daemon import Daemon
from ratelord_sim.measure.tally import Notes
from ratelord_sim.provider.service import Service
from ratelord_sim.stage import Process

STEPS = 120
"""Points of a plot."""
DECIDED = ("approved", "modified", "denied", "errors", "refused")


class PoolSeries(msgspec.Struct):
    """One pool over time. ``used`` is the provider's own count, ``known`` what the daemon believes
    is used, ``held`` what it has promised beside."""

    used: list[int] = msgspec.field(default_factory=list)
    known: list[int] = msgspec.field(default_factory=list)
    held: list[int] = msgspec.field(default_factory=list)
    limit: list[int | None] = msgspec.field(default_factory=list)


class Series:
    """Looks every step."""

    def __init__(self, daemon: Daemon, services: dict[str, Service], notes: Notes) -> None:
        self._daemon = daemon
        self._services = services
        self._notes = notes
        self.step: Micros = 0
        self.decisions: dict[str, list[int]] = {name: [] for name in DECIDED}
        self.pools: dict[str, PoolSeries] = {}
        self._before = dict.fromkeys(DECIDED, 0)

    def watch(self, duration: Micros) -> Process:
        """Look ``STEPS`` times, the last time just before the end."""
        self.step = max(1, duration // STEPS)
        for _ in range(STEPS):
            yield self.step
            self._look()

    def _look(self) -> None:
        for name in DECIDED:
            now = sum(getattr(tally, name) for tally in self._notes.tallies.values())
            self.decisions[name].append(now - self._before[name])
            self._before[name] = now
        for service in self._services.values():
            for key, meter in service.truth.items():
                known, held = self._known(key)
                series = self.pools.setdefault(key, PoolSeries())
                series.used.append(meter.used(self._daemon.stage.now))
                series.known.append(known)
                series.held.append(held)
                series.limit.append(meter.limit)

    def _known(self, key: str) -> tuple[int, int]:
        """What the daemon believes is used of a pool, and what is held."""
        instant = self._daemon.clock.now()
        figures = self._daemon.engine.state.ledger.account(key, instant).figures(instant)
        return figures.used, figures.held
