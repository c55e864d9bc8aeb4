"""One simulation of a daemon: its process, how far it is, what came of it."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Any, Literal

import msgspec

from ratelord_core.errors import Finding, RatelordError
from ratelord_sim.errors import ScenarioError
from ratelord_sim.server.task import Said, Task

Status = Literal["reading", "running", "done", "failed", "cancelled"]
_LINE = 64 * 1024 * 1024
"""The longest line of a player: the result of the largest scenario that bounds allow."""
_PASSED_ON = (
    "PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "COVERAGE_PROCESS_CONFIG",
)  # fmt: skip
"""Variables that a player may see: none of the daemon's settings and secrets are among them."""


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


class Job:
    """A simulation. ``changed`` is set, and replaced, whenever something is new."""

    def __init__(self, job_id: str, task: Task, seconds: float) -> None:
        self.job_id = job_id
        self.status: Status = "reading"
        self.title = ""
        self.progress = 0.0
        self.result: dict[str, Any] | None = None
        self.error: str | None = None
        self.findings: list[Finding] = []
        self.changed = asyncio.Event()
        self._task = task
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None
        self._work: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status not in ("reading", "running")

    def begin(self) -> None:
        """Start the process."""
        self._work = asyncio.create_task(self._run())

    async def read(self) -> None:
        """Wait until the scenario has been read. Raises ``ScenarioError`` with every finding, or
        ``RatelordError`` if it could not be."""
        while self.status == "reading":
            await self.changed.wait()
        if self.findings:
            raise ScenarioError("the scenario", self.findings)
        if self.status == "failed" and not self.title:
            raise RatelordError(self.error or "it could not be read")

    def cancel(self) -> None:
        """Break it off."""
        if not self.over:
            self._turn("cancelled")
            self._kill()

    async def finish(self) -> None:
        """Return when its process has ended."""
        if self._work is not None:
            await asyncio.wait((self._work,))

    def view(self, *, whole: bool) -> SimulationView:
        """As it stands now."""
        return SimulationView(
            self.job_id,
            self.status,
            self.title,
            self.progress,
            None if self.result is None else bool(self.result["success"]),
            self.error,
            self.result if whole else None,
        )

    # --- its process --------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                with TemporaryDirectory(prefix="ratelord-sim-") as folder:
                    await self._play(folder)
        except TimeoutError:
            self._fail(f"broken off after {self._seconds:g} s (RATELORD_SIMULATION_SECONDS)")
        except (OSError, ValueError, msgspec.DecodeError) as error:
            self._fail(f"its process could not be followed: {error}")
        finally:
            self._kill()
            if self._process is not None:
                await self._process.wait()
            if not self.over:
                self._fail("its process ended without a result")

    async def _play(self, folder: str) -> None:
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ratelord_sim.server.player",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LINE,
            cwd=folder,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )
        if self.over:
            return
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        assert process.stdout is not None  # noqa: S101 - as above
        process.stdin.write(msgspec.json.encode(self._task))
        process.stdin.close()
        while line := await process.stdout.readline():
            self._hear(msgspec.json.decode(line, type=Said))

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
            self._fail("the scenario is not valid")
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

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
