"""Accounts that never bind: usage is written down, nothing more."""

from __future__ import annotations

from ratelord_core.ledger.account import Account
from ratelord_core.ledger.hold import Asker, Figures, Leg, Party, Reconciled, Reset
from ratelord_core.ledger.settled import KEPT, SettledLog
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import MAX_UNITS, Pool


class UnboundedAccount(Account):
    """Everything fits."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.used = 0
        self._settled = SettledLog()

    @property
    def capacity(self) -> int | None:
        """Without end."""
        return None

    def advance(self, now: Micros) -> Reset | None:
        self.begin(now)
        return None

    def earliest(
        self, units: int, lifetime: Micros, after: Micros, latest: Micros, now: Micros, asker: Asker
    ) -> Micros | None:
        return after

    def extendable(self, leg: Leg, end: Micros, now: Micros) -> bool:
        return True

    def hold(self, leg: Leg, now: Micros) -> None:
        self._admit(leg, now)

    def drop(self, leg: Leg, now: Micros) -> None:
        self._dismiss(leg)

    def use(self, units: int, at: Micros, party: Party) -> None:
        self.used += units
        self._settled.add(at, units)
        self.tally.add(party, units)
        self.version += 1

    def correct(self, units: int, at: Micros, party: Party) -> bool:
        if self.observed_at is not None and self.observed_at >= at:
            return False
        self.use(units, at, party)
        return True

    def reconcile(self, seen: Observation, now: Micros) -> Reconciled:
        observed = self.used_from(seen)
        newest = self.observed_at is None or seen.dated >= self.observed_at
        if newest:
            self.observed_at = seen.dated
            self._settled.forget(seen.dated - KEPT)
        if observed is None:
            return Reconciled()
        before, used = self.used, observed + self._settled.after(seen.dated)
        self.used = used if newest else max(before, used)
        changed = self.used != before
        self.version += changed
        return Reconciled(changed, max(0, observed - before - self.held), observed=observed)

    def figures(self, now: Micros) -> Figures:
        return Figures(None, self.used, self.held, self.scheduled, MAX_UNITS, None)
