"""How soon hidden spending is noticed, and whether the forecast takes fright."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ratelord_core.events.envelope import Draft
from ratelord_core.events.payloads import DriftDetected
from ratelord_core.model.instant import Micros
from ratelord_sim.daemon import Daemon, Listener


class Drift(Listener):
    """Watches pools that somebody spends from behind the daemon's back."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._stage = daemon.stage
        self.hidden: dict[str, int] = {}
        """Units spent secretly, by pool."""
        self.delays: list[Micros] = []
        """From the first hidden spend since the last detection to the next one."""
        self.polls: list[int] = []
        """How many polls it took from then on."""
        self.tightened = 0
        """Detections after which the pool was expected to last less long (its P99)."""
        self.detections = 0
        self._since: dict[str, Micros] = {}
        self._polls: dict[str, int] = {}
        self._before: dict[str, float] = {}
        self._fresh: list[str] = []

    def spent(self, pool: str, units: int) -> None:
        """Somebody spent in secret."""
        self.hidden[pool] = self.hidden.get(pool, 0) + units
        self._since.setdefault(pool, self._stage.now)
        self._polls.setdefault(pool, 0)

    def polling(self, account_id: str, *, ok: bool) -> None:
        if not ok:
            return
        for pool in self._of(account_id):
            self._polls[pool] += 1
            self._before[pool] = self._tte_p99(pool)

    def wrote(self, drafts: Sequence[Draft]) -> None:
        for draft in drafts:
            if isinstance(draft.payload, DriftDetected):
                self._detected(draft.payload.pool)

    def _detected(self, pool: str) -> None:
        self.detections += 1
        since = self._since.pop(pool, None)
        if since is None:
            return
        self.delays.append(self._stage.now - since)
        self.polls.append(self._polls.pop(pool, 0))
        self.tightened += self._tte_p99(pool) < self._before.get(pool, math.inf)

    def _of(self, account_id: str) -> list[str]:
        return [pool for pool in self._since if pool.startswith(f"{account_id}/")]

    def _tte_p99(self, pool: str) -> float:
        state, now = self._daemon.engine.state, self._daemon.clock.now()
        figures = state.ledger.account(pool, now).figures(now)
        return state.outlook(pool, figures, now).tte_p99
