"""Holds the daemon to its law: nothing is promised past what is known to be there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from ratelord_core.ledger import Ledger
from ratelord_core.model.decision import Decision
from ratelord_core.model.instant import DAY, Micros
from ratelord_core.model.intent import Intent
from ratelord_sim.daemon import Daemon, Listener

_LONG = 63 * DAY
"""Longer than two windows of any calendar."""


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
        if account.pool.soft:
            return  # such a cap warns, and is passed on purpose
        if capacity is not None and figures.used + figures.held > capacity:
            self.over[pool] += 1

    def settled(self, pools: Sequence[str]) -> None:
        self._facts.update(pools)

    def polling(self, account_id: str, *, ok: bool) -> None:
        if ok and self._daemon is not None:
            prefix = f"{account_id}/"
            accounts = self._daemon().engine.state.ledger.accounts
            self._facts.update(key for key in accounts if key.startswith(prefix))


def kept_for_ever(daemon: Daemon) -> list[str]:
    """What has not come back although all time that holds and windows can take has passed: the
    intents of holds, and the keys of pools that have not all their room again."""
    now = daemon.clock.now() + _LONG
    ledger = daemon.engine.state.ledger
    ledger.advance(now)
    return [*ledger.holds, *(key for key in ledger.accounts if not _is_whole(ledger, key, now))]


def _is_whole(ledger: Ledger, key: str, now: Micros) -> bool:
    account = ledger.account(key, now)
    figures, window = account.figures(now), account.pool.window
    if figures.held or figures.scheduled:
        return False
    if account.capacity is None or window.kind == "concurrency":
        return True  # what runs elsewhere ends when the provider says so
    if (window.kind == "fixed" and figures.reset_at is None) or not account.limit:
        return True  # nobody knows when it refills, or it never does
    return figures.available == account.capacity
