"""All work of one kind: a few at a time, the latest ones remembered."""

from __future__ import annotations

from typing import Protocol
from uuid import uuid4

from ratelord_core.errors import NotFound, Unavailable
from ratelord_core.jobs.job import Job, Kind


class Bounds(Protocol):
    """How much of a daemon's machine one kind of work may take."""

    @property
    def concurrency(self) -> int:
        """How many run at once; 0 = none may."""
        ...

    @property
    def seconds(self) -> float:
        """Seconds of life after which one is broken off."""
        ...

    @property
    def kept(self) -> int:
        """Results that are remembered."""
        ...


class Desk:
    """Takes work in. ``setting`` names the one that bounds how much runs at once."""

    def __init__(self, kind: Kind, bounds: Bounds, setting: str) -> None:
        self._kind = kind
        self._bounds = bounds
        self._setting = setting
        self._jobs: dict[str, Job] = {}
        self._closing = False

    def take(self, task: bytes) -> Job:
        """Begin. Raises ``Unavailable`` if as many run as may, or the daemon stops."""
        if self._closing:
            raise Unavailable("the daemon is shutting down", code="shutting_down")
        running = sum(not job.over for job in self._jobs.values())
        if running >= self._bounds.concurrency:
            raise Unavailable(
                f"{running} {self._kind.noun}s run, which is the most ({self._setting}); wait for "
                "one or cancel it",
                code="overloaded",
                retry_after=5.0,
            )
        job = Job(uuid4().hex, self._kind, task, self._bounds.seconds)
        self._jobs[job.job_id] = job
        self._forget()
        job.begin()
        return job

    def _forget(self) -> None:
        over = [job_id for job_id, job in self._jobs.items() if job.over]
        for job_id in over[: max(0, len(self._jobs) - self._bounds.kept)]:
            del self._jobs[job_id]

    def find(self, job_id: str) -> Job:
        """A piece of work; ``NotFound`` if nobody remembers it."""
        job = self._jobs.get(job_id)
        if job is None:
            noun = self._kind.noun
            raise NotFound(f"no {noun} is called {job_id[:80]!r}; it may have been forgotten")
        return job

    def drop(self, job_id: str) -> None:
        """Break it off, or forget it if it is over."""
        job = self.find(job_id)
        if job.over:
            del self._jobs[job_id]
        else:
            job.cancel()

    def all(self) -> list[Job]:
        """Everything that is remembered, the newest first."""
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
