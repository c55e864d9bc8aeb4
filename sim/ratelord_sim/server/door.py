"""``/v1/simulation`` on a daemon's port."""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord_core.doors import Access, Building, OpenDoor
from ratelord_core.http.job_door import JobDoor
from ratelord_core.jobs import Desk, Job, Kind, Status
from ratelord_sim.errors import ScenarioError
from ratelord_sim.server.bounds import bounds
from ratelord_sim.server.request import task_of

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


class SimulationDoors:
    """Opens the door."""

    name = "simulation"
    path = PATH
    access: Access = "administer"

    def open(self, building: Building) -> OpenDoor:
        """The door; nothing of the simulator is loaded before somebody asks for one. It is given
        the arbiter and never touches it."""
        limits = bounds()
        desk = Desk(_KIND, limits, "RATELORD_SIMULATION_CONCURRENCY")
        return JobDoor(
            PATH,
            desk,
            limits.body_bytes,
            lambda body, yaml: msgspec.json.encode(task_of(body, limits, yaml=yaml)),
            _view,
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
