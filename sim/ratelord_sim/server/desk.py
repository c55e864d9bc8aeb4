"""All simulations of a daemon: a few at a time, the latest ones remembered."""

from __future__ import annotations

from uuid import uuid4

from ratelord_core.errors import NotFound, Unavailable
from ratelord_sim.server.bounds import Bounds
from ratelord_sim.server.job import Job
from ratelord_sim.server.task import Task


class Desk:
    """Takes tasks in."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._jobs: dict[str, Job] = {}
        self._closing = False

    def take(self, task: Task) -> Job:
        """Begin to play. Raises ``Unavailable`` if as many play as may, or the daemon stops."""
        if self._closing:
            raise Unavailable("the daemon is shutting down", code="shutting_down")
        playing = sum(not job.over for job in self._jobs.values())
        if playing >= self.bounds.concurrency:
            raise Unavailable(
                f"{playing} simulations play, which is the most "
                "(RATELORD_SIMULATION_CONCURRENCY); wait for one or cancel it",
                code="overloaded",
                retry_after=5.0,
            )
        job = Job(uuid4().hex, task, self.bounds.seconds)
        self._jobs[job.job_id] = job
        self._forget()
        job.begin()
        return job

    def _forget(self) -> None:
        over = [job_id for job_id, job in self._jobs.items() if job.over]
        for job_id in over[: max(0, len(self._jobs) - self.bounds.kept)]:
            del self._jobs[job_id]

    def find(self, job_id: str) -> Job:
        """A simulation; ``NotFound`` if nobody remembers it."""
        job = self._jobs.get(job_id)
        if job is None:
            raise NotFound(f"no simulation is called {job_id[:80]!r}; it may have been forgotten")
        return job

    def drop(self, job_id: str) -> None:
        """Break a simulation off, or forget one that is over."""
        job = self.find(job_id)
        if job.over:
            del self._jobs[job_id]
        else:
            job.cancel()

    def all(self) -> list[Job]:
        """Every simulation that is remembered, the newest first."""
        return list(reversed(self._jobs.values()))

    def close(self) -> None:
        """Break off everything."""
        self._closing = True
        for job in self._jobs.values():
            job.cancel()

    async def finish(self) -> None:
        """Return when no process is left."""
        for job in self.all():
            await job.finish()
