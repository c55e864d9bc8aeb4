"""``/v1/simulation`` on a daemon's port."""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord_core.doors import Access, Building
from ratelord_core.http.exchange import Answer, Exchange
from ratelord_core.http.long_work import LongWork, operations_of
from ratelord_core.http.operation import Operation
from ratelord_core.jobs import Desk, Job, Kind, Status
from ratelord_sim.errors import ScenarioError
from ratelord_sim.server.bounds import bounds
from ratelord_sim.server.request import SimulationRequest, task_of

PATH = "/v1/simulation"
_KIND = Kind(
    "simulation",
    "RATELORD_SIMULATION_SECONDS",
    "ratelord_sim.server.player",
    lambda findings: ScenarioError("the scenario", findings),
)


class SimulationView(msgspec.Struct, frozen=True):
    """A simulation as readers see it. ``progress`` is the part of its time that has been played,
    ``success`` whether every invariant held, ``result`` what ``ratelord-sim run --json`` prints."""

    simulation_id: str
    status: Status
    scenario: str
    progress: float
    success: bool | None
    error: str | None
    result: dict[str, Any] | None = None


class Simulations(LongWork):
    """What HTTP does with simulations."""

    async def begin(self, exchange: Exchange) -> Answer:
        """Have the daemon play a scenario in virtual time, beside its own work.

        It runs in a process of its own; `Location` is where it is followed. The body may also be
        the scenario alone, as YAML or JSON.
        """
        return await self._take(exchange)

    async def list(self, exchange: Exchange) -> Answer:
        """The simulations that are remembered, the newest first, without results."""
        return await self._all(exchange)

    async def show(self, exchange: Exchange) -> Answer:
        """One simulation: how far it is, and its result once it is done.

        With `stream=true` Server-Sent Events: `progress` as it comes, then the whole as `done`,
        `failed` or `cancelled`.
        """
        return await self._look(exchange, exchange.params["simulation_id"])

    async def drop(self, exchange: Exchange) -> Answer:
        """Break a simulation off; forget one that is over."""
        return await self._drop(exchange, exchange.params["simulation_id"])


OPERATIONS = operations_of(
    Simulations,
    PATH,
    "simulation_id",
    SimulationView,
    SimulationRequest,
    {"scenario": {"name": "one", "duration": "10s", "agents": [{"name": "a"}]}},
)


class SimulationDoors:
    """Opens the door."""

    name = "simulation"
    path = PATH
    access: Access = "administer"
    operations: tuple[Operation, ...] = OPERATIONS

    def open(self, building: Building) -> Simulations:
        """The noun behind it; nothing of the simulator is loaded before somebody asks for one. It
        is given the arbiter and never touches it."""
        limits = bounds()
        desk = Desk(_KIND, limits, "RATELORD_SIMULATION_CONCURRENCY")
        return Simulations(
            PATH,
            desk,
            limits.body_bytes,
            lambda body, yaml: msgspec.json.encode(task_of(body, limits, yaml=yaml)),
            _view,
            building.seats,
        )


def _view(job: Job, *, whole: bool) -> SimulationView:
    return SimulationView(
        job.job_id,
        job.status,
        job.title,
        job.progress,
        None if job.result is None else bool(job.result["success"]),
        job.error,
        job.result if whole else None,
    )
