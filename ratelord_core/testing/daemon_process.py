"""A real daemon in a process of its own, for tests: on a temporary folder and a free port."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Self

import httpx2

from ratelord_core.cli import daemon_process
from ratelord_core.cli.daemon_process import ANNOUNCEMENT, DaemonDied, Running
from ratelord_core.testing import nursery

__all__ = ["ANNOUNCEMENT", "DaemonDied", "DaemonProcess"]

OPENING_SECONDS = 30.0


class DaemonProcess(daemon_process.DaemonProcess):
    """As that of the command line, but decides when it is started: its first polls have ended, or
    thirty seconds have passed. ``early``: it may still be starting.

    Within ``nursery.forking()`` it is a fork of a process that has everything loaded, unless it is
    to be ``fresh``.
    """

    def __init__(
        self, folder: Path, *, early: bool = False, fresh: bool = False, **options: Any
    ) -> None:
        super().__init__(folder, **options)
        self._early = early
        self._fresh = fresh

    def start(self) -> Self:
        """Start a daemon and wait until it decides."""
        super().start()
        ends = time.monotonic() + OPENING_SECONDS
        while not self._early and self._opens() and time.monotonic() < ends:
            time.sleep(0.01)
        return self

    def _opens(self) -> bool:
        """Whether it lives and has yet to open."""
        try:
            ready = httpx2.get(f"{self.url}/v1/health/ready", verify=False, timeout=60)
        except httpx2.TransportError:
            return False
        return ready.status_code == 503

    def _begin(self, words: list[str], variables: dict[str, str], log: Path) -> Running:
        child = None if self._fresh else nursery.born(words, variables, self.folder, log, log)
        return child or super()._begin(words, variables, log)
