"""One piece of long work: its process, how far it is, what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from ratelord_core.errors import Finding, RatelordError
from ratelord_core.jobs.player import Player, Said

Status = Literal["reading", "running", "done", "failed", "cancelled"]


class Kind(msgspec.Struct, frozen=True):
    """A kind of work: what one is called, the setting that bounds its life, the module that does
    it, and the error for a task with these findings."""

    noun: str
    seconds_setting: str
    module: str
    invalid: Callable[[Sequence[Finding]], RatelordError]


class Job:
    """A piece of work. ``changed`` is set, and replaced, whenever something is new; ``title`` is
    what its task is called, once it has been read."""

    def __init__(self, job_id: str, kind: Kind, task: bytes, seconds: float) -> None:
        self.job_id = job_id
        self.status: Status = "reading"
        self.title = ""
        self.progress = 0.0
        self.result: dict[str, Any] | None = None
        self.error: str | None = None
        self.findings: list[Finding] = []
        self.changed = asyncio.Event()
        self._kind = kind
        self._seconds = seconds
        self._player = Player(kind.module, task)
        self._work: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status not in ("reading", "running")

    def begin(self) -> None:
        """Start the process."""
        self._work = asyncio.create_task(self._run())

    async def read(self) -> None:
        """Wait until the task has been read, or is over before that: ``status`` and ``error`` tell.
        Raises what its kind says for one with findings."""
        while self.status == "reading":
            await self.changed.wait()
        if self.findings:
            raise self._kind.invalid(self.findings)

    def cancel(self) -> None:
        """Break it off."""
        if not self.over:
            self._turn("cancelled")
            self._player.kill()

    async def finish(self) -> None:
        """Return when its process has ended."""
        if self._work is not None:
            await asyncio.wait((self._work,))

    # --- its process --------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                async for said in self._player.lines():
                    self._hear(said)
                    if self.over:
                        break
        except TimeoutError:
            self._fail(f"broken off after {self._seconds:g} s ({self._kind.seconds_setting})")
        except (OSError, ValueError, msgspec.DecodeError) as error:
            self._fail(f"its process could not be followed: {error}")
        finally:
            await self._player.end()
            if not self.over:
                self._fail("its process ended without a result")

    def _hear(self, said: Said) -> None:
        if self.over:
            return
        if said.title:
            self.title = said.title
            self._turn("running")
        elif said.result is not None:
            self.result, self.progress = said.result, 1.0
            self._turn("done")
        elif said.findings:
            self.findings = msgspec.convert(said.findings, list[Finding])
            self._fail(f"the {self._kind.noun} is not valid")
        elif said.error:
            self._fail(said.error)
        else:
            self.progress = said.progress
            self._tell()

    def _fail(self, error: str) -> None:
        if not self.over:
            self.error = error
            self._turn("failed")

    def _turn(self, status: Status) -> None:
        self.status = status
        self._tell()

    def _tell(self) -> None:
        told, self.changed = self.changed, asyncio.Event()
        told.set()
