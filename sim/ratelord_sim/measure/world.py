"""Everything that was measured in one run, and the part of it that a scope names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ratelord_sim.actors.line import Line
from ratelord_sim.daemon import Daemon
from ratelord_sim.measure.audit import Audit
from ratelord_sim.measure.calibration import Calibration
from ratelord_sim.measure.circuits import Circuits
from ratelord_sim.measure.drift import Drift
from ratelord_sim.measure.neglect import Neglect
from ratelord_sim.measure.resets import Resets
from ratelord_sim.measure.series import Series
from ratelord_sim.measure.tally import Notes, Tally
from ratelord_sim.provider.service import Service


class World(msgspec.Struct):
    """What is left when the play is over."""

    daemon: Daemon
    services: Mapping[str, Service]
    line: Line
    notes: Notes
    audit: Audit
    drift: Drift
    calibration: Calibration
    circuits: Circuits
    neglect: Neglect
    resets: Resets
    series: Series

    @property
    def pools(self) -> list[str]:
        """The keys of all provider pools."""
        return [key for service in self.services.values() for key in service.pools]


class View(msgspec.Struct):
    """What a scope names: some agents' tally, some pools."""

    world: World
    tally: Tally
    pools: Sequence[str]


def view_of(world: World, scope: str) -> View:
    """The part of the world that ``all``, a group, ``phase:…``, ``group@phase`` or ``pool:…``
    names."""
    kind, _, rest = scope.partition(":")
    if scope in ("all", "global"):
        return View(world, world.notes.total(), world.pools)
    if kind == "pool":
        return View(world, world.notes.total(), [rest])
    if kind == "phase":
        return View(world, world.notes.total(phase=rest), world.pools)
    group, _, phase = scope.partition("@")
    return View(world, world.notes.total(group, phase), world.pools)
