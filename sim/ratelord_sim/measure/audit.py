"""Holds the daemon to its law: nothing is promised past what is known to be there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from ratelord_core.model.decision import Decision
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent
from ratelord_sim.daemon import Daemon, Listener


class Audit(Listener):
    """Counts over-admissions, pool by pool.

    An approval that starts now must leave used + held within the capacity. One that starts later
    must do so at its start, unless a fact (an observation, a report above its hold) came between.
    """

    def __init__(self) -> None:
        self.over: Counter[str] = Counter()
        self._facts: Counter[str] = Counter()
        self._daemon: Callable[[], Daemon] | None = None

    def watch(self, daemon: Daemon) -> None:
        """Audit this daemon."""
        self._daemon = lambda: daemon

    def decided(self, intent: Intent, decision: Decision) -> None:
        if self._daemon is None or not decision.allowed:
            return
        daemon, wait = self._daemon(), (decision.start_at or 0) - decision.as_of
        for line in decision.holds:
            if not line.units:
                continue
            if not wait:
                self._judge(daemon, line.pool)
                continue
            daemon.stage.after(
                wait, partial(self._later, line.pool, self._facts[line.pool], daemon.life)
            )

    def _later(self, pool: str, facts: int, life: int) -> None:
        if self._daemon is None or self._facts[pool] != facts:
            return
        daemon = self._daemon()
        if daemon.alive and daemon.life == life:
            self._judge(daemon, pool)

    def _judge(self, daemon: Daemon, pool: str) -> None:
        now = daemon.clock.now()
        account = daemon.engine.state.ledger.account(pool, now)
        figures, capacity = account.figures(now), account.capacity
        if capacity is not None and figures.used + figures.held > capacity:
            self.over[pool] += 1

    def settled(self, pools: Sequence[str]) -> None:
        self._facts.update(pools)

    def polling(self, account_id: str, *, ok: bool) -> None:
        if ok and self._daemon is not None:
            prefix = f"{account_id}/"
            accounts = self._daemon().engine.state.ledger.accounts
            self._facts.update(key for key in accounts if key.startswith(prefix))


def held_at_the_end(daemon: Daemon, later: Micros) -> int:
    """Holds that never ended although everything must have expired ``later`` µs from now: leaks."""
    ledger = daemon.engine.state.ledger
    ledger.advance(daemon.clock.now() + later)
    return len(ledger.holds)
