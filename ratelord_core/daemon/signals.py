"""What signals mean to a daemon: stop, or read what it was given once more."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ratelord_core.errors import PolicyError, RatelordError, SettingsError
from ratelord_core.local_arbiter import LocalArbiter
from ratelord_core.model.caller import Caller
from ratelord_core.policy.difference import Difference

_log = logging.getLogger(__name__)
_SIGNALS = Caller(door="signal")
WATCH = Caller(door="watch")
"""Whoever noticed that the policy file changed."""


class Signals:
    """SIGINT and SIGTERM set ``stopping``; SIGHUP reads the policy file and the certificate.

    ``show_certificate`` is the door's, once there is one.
    """

    def __init__(self, arbiter: LocalArbiter, certificate: Path | None) -> None:
        self.stopping = asyncio.Event()
        self.show_certificate: Callable[[], bool] = lambda: False
        self._arbiter = arbiter
        self._certificate = certificate

    def listen(self) -> None:
        """From now on; call it on the loop."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self.stopping.set)
        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _reload(self) -> None:
        try:
            if self._certificate is not None:
                with self._arbiter.noted("certificate.reload", "", _SIGNALS):
                    self.show_certificate()
                _log.info("certificate %s is shown from now on", self._certificate)
        except SettingsError as error:
            _log.error("the certificate stays as it was: %s", error)
        task = asyncio.create_task(self.reload_policy(), name="reload")
        task.add_done_callback(log_failure)

    async def reload_policy(self, caller: Caller = _SIGNALS) -> None:
        """Read the policy file; what came of it is logged."""
        try:
            done = await self._arbiter.reload_policy(caller)
        except PolicyError as error:
            _log.error("the policy stays as it was: %s", error)
        except RatelordError as error:
            _log.error("the policy was not read: %s", error)
        else:
            changes = Difference(done.added, done.removed, done.what_changed).text()
            before = done.previous
            _log.info("policy %s is in force (was %s): %s", done.version, before, changes or "same")


def log_failure(task: asyncio.Task[Any]) -> None:
    """Say how a task ended, if badly."""
    if not task.cancelled() and task.exception() is not None:
        _log.error("%s ended badly", task.get_name(), exc_info=task.exception())
