"""How often provider accounts are polled, and so how old what they said may be."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

from ratelord_core.ledger import Ledger
from ratelord_core.model.instant import Micros
from ratelord_core.projections.providers import Providers

_STALE_AFTER = 3
"""Polls that may be missed before a pool's data are stale."""


class Polling:
    """Tells the age of a pool's data. Pools that nobody polls, local caps among them, have none."""

    def __init__(self, ledger: Ledger, providers: Providers) -> None:
        self._ledger = ledger
        self._providers = providers
        self.intervals: Mapping[str, Micros] = {}
        """How often each provider account is polled (µs), 0 if only traffic tells of it: from the
        daemon, not from the log."""
        self._declared_at: dict[str, Micros] = {}
        self._known: dict[str, tuple[str, Micros]] = {}
        """Account and interval by pool, as far as anybody asked, as of these intervals."""
        self._known_as_of: Mapping[str, Micros] = self.intervals
        self.started_at: Micros = 0

    def over(self, ledger: Ledger) -> Polling:
        """The same about another ledger of the same pools."""
        other = copy(self)
        vars(other)["_ledger"] = ledger
        return other

    def declared(self, pool: str, at: Micros) -> None:
        """The pool is known since then, if it was not before; its shape may be another one."""
        self._declared_at.setdefault(pool, at)
        self._known.pop(pool, None)

    def account_of(self, pool: str) -> str:
        """The provider account that a pool belongs to: the longest known beginning of its key."""
        account = pool.rpartition("/")[0]
        while "/" in account and account not in self.intervals:
            account = account.rpartition("/")[0]
        return account

    def interval_of(self, pool: str) -> Micros:
        """How often a pool's account is polled (µs); 0 = nobody polls it."""
        return self._find(pool)[1] if self.intervals else 0

    def _find(self, pool: str) -> tuple[str, Micros]:
        if self._known_as_of is not self.intervals:
            self._known, self._known_as_of = {}, self.intervals
        known = self._known.get(pool)
        if known is None:
            account = self.account_of(pool)
            local = self._ledger.accounts[pool].pool.local
            known = (account, 0 if local else self.intervals.get(account, 0))
            self._known[pool] = known
        return known

    def state_of(self, pool: str) -> str:
        """How the account that a pool belongs to fares; "" for a pool that nobody polls."""
        account = self._find(pool)[0] if self.intervals else ""
        local = self._ledger.accounts[pool].pool.local
        watched = account in self.intervals and not local
        return self._providers.get(account).state if watched else ""

    def age(self, pool: str, now: Micros) -> Micros:
        """How old the provider's data on a pool are; 0 for pools that nobody polls."""
        if not self.interval_of(pool):
            return 0
        seen = self._ledger.accounts[pool].observed_at
        if seen is None:
            seen = max(self.started_at, self._declared_at.get(pool, 0))
        return max(0, now - seen)

    def overdue(self, pool: str, now: Micros) -> Micros:
        """For how long (µs) data have been missing beyond what is normal."""
        interval = self.interval_of(pool)
        return max(0, self.age(pool, now) - _STALE_AFTER * interval) if interval else 0

    def is_stale(self, pool: str, now: Micros) -> bool:
        """Whether a pool's data are older than three polls, or its provider's circuit is open."""
        if not self.intervals:
            return False
        account, interval = self._find(pool)
        if not interval and account not in self.intervals:
            return False
        if self._providers.get(account).state == "open":
            return True
        return interval > 0 and self.age(pool, now) > _STALE_AFTER * interval
