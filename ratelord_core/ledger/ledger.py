"""All accounts together: holds on every pool of an intent or on none, until they resolve."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any

import msgspec

from ratelord_core.ledger.account import Account
from ratelord_core.ledger.bucket import BucketAccount
from ratelord_core.ledger.hold import Asker, Leg, Need, Reconciled, Reset, Resolved
from ratelord_core.ledger.period import PeriodAccount
from ratelord_core.ledger.trailing import TrailingAccount
from ratelord_core.ledger.unbounded import UnboundedAccount
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool

_ROUNDS = 256
_REMEMBERED = 100_000


class Terms(msgspec.Struct, frozen=True):
    """Rules of the house that shape accounts."""

    high_reserve_percent: float = 5.0


class Proposal(msgspec.Struct, frozen=True, gc=False):
    """When the needs fit together; None: at no instant that is known. ``blocker`` is the pool
    that kept the start away from the earliest instant asked for."""

    start: Micros | None
    blocker: str | None = None


class Hold:
    """One intent's units on all its pools: open legs and those that have resolved."""

    __slots__ = ("asker", "intent_id", "legs", "report", "resolved", "start")

    def __init__(self, intent_id: str, asker: Asker, start: Micros) -> None:
        self.intent_id = intent_id
        self.asker = asker
        self.start = start
        self.legs: dict[str, Leg] = {}
        self.resolved: dict[str, Resolved] = {}
        self.report: str | None = None
        """A digest of the report that settled it."""


class Settlement(msgspec.Struct, frozen=True):
    """What a report did: each pool's outcome; ``late`` if some part had expired before."""

    lines: tuple[Resolved, ...]
    late: bool


class Ledger:
    """Every pool's account and every open hold. Pure: instants are passed in.

    The invariant: no hold is placed (through ``propose`` and ``place``) that takes used + held,
    later promises included, past the capacity known at that moment.
    """

    def __init__(self, terms: Terms | None = None) -> None:
        self.terms = terms or Terms()
        self.now: Micros = 0
        self.accounts: dict[str, Account] = {}
        self.holds: dict[str, Hold] = {}
        self.closed: OrderedDict[str, Hold] = OrderedDict()
        self._expiries: list[tuple[Micros, str, str]] = []
        self._resets: list[Reset] = []

    # --- pools --------------------------------------------------------------------------------

    def declare(self, pool: Pool, now: Micros) -> None:
        """Open a pool's account, or give it a new shape. What was used and held stays."""
        before = self.accounts.get(pool.key)
        if before is None:
            self.accounts[pool.key] = self._open(pool, now)
            return
        self.account(pool.key, now)
        if before.pool == pool:
            return
        if before.pool.window == pool.window and before.pool.local == pool.local:
            before.pool = pool
            if pool.limit is not None:
                before.relimit(pool.limit)
            return
        self._reshape(before, pool, now)

    def _open(self, pool: Pool, now: Micros) -> Account:
        kind = pool.window.kind
        if kind in {"fixed", "calendar"}:
            return PeriodAccount(pool, now, self.terms.high_reserve_percent)
        if kind in {"sliding", "concurrency"}:
            return TrailingAccount(pool)
        if kind == "bucket":
            return BucketAccount(pool, now)
        return UnboundedAccount(pool)

    def _reshape(self, before: Account, pool: Pool, now: Micros) -> None:
        """Another window: nothing refills, so used units move over as used just now."""
        used = max(0, before.figures(now).used)
        if pool.limit is None:
            pool = msgspec.structs.replace(pool, limit=before.limit)
        after = self._open(pool, now)
        if isinstance(after, PeriodAccount) and isinstance(before, PeriodAccount):
            after.keep_end(before, now)
        after.settled_total = before.settled_total
        for leg in sorted(before.legs, key=lambda leg: (leg.start, leg.intent_id)):
            after.hold(leg, now)
        if used:
            after.use(used, now, ("", "", ""))
        after.version = before.version + 1
        self.accounts[pool.key] = after

    def account(self, key: str, now: Micros) -> Account:
        """A pool's account, brought to ``now``; ``KeyError`` for an unknown pool."""
        account = self.accounts[key]
        reset = account.advance(now)
        if reset is not None:
            self._resets.append(reset)
        return account

    def take_resets(self) -> list[Reset]:
        """The windows that ended since the last call."""
        taken, self._resets = self._resets, []
        return taken

    # --- time ---------------------------------------------------------------------------------

    def advance(self, now: Micros) -> list[tuple[str, Resolved]]:
        """Let everything expire whose time has come, each at its own instant; what did."""
        self.now = max(self.now, now)
        expired: list[tuple[str, Resolved]] = []
        expiries = self._expiries
        while expiries and expiries[0][0] <= now:
            end, intent_id, pool = heappop(expiries)
            hold = self.holds.get(intent_id)
            leg = hold.legs.get(pool) if hold else None
            if hold is None or leg is None or leg.end != end:
                continue
            account = self.account(pool, end)
            used = 0 if account.pool.window.kind == "concurrency" else leg.units
            account.settle(leg, used, end)
            resolved = Resolved(pool, leg.units, used, end, expired=True)
            self._resolve(hold, resolved)
            expired.append((intent_id, resolved))
        return expired

    def next_expiry(self) -> Micros | None:
        """When the next leg may expire (it may have resolved before)."""
        return self._expiries[0][0] if self._expiries else None

    def _resolve(self, hold: Hold, resolved: Resolved) -> None:
        hold.legs.pop(resolved.pool, None)
        hold.resolved[resolved.pool] = resolved
        if hold.legs:
            return
        self.holds.pop(hold.intent_id, None)
        self.closed[hold.intent_id] = hold
        self.closed.move_to_end(hold.intent_id)
        if len(self.closed) > _REMEMBERED:
            self.closed.popitem(last=False)

    # --- holds --------------------------------------------------------------------------------

    def propose(
        self,
        needs: Sequence[Need],
        asker: Asker,
        now: Micros,
        *,
        not_before: Micros = 0,
        latest: Micros = 0,
    ) -> Proposal:
        """The earliest start at which all needs fit together and every earlier promise still
        does. Spacing alone never pushes a start beyond ``latest``."""
        start = max(now, not_before)
        blocker: str | None = None
        accounts = [(need, self.account(need.pool, now)) for need in needs]
        for _ in range(_ROUNDS):
            settled = True
            for need, account in accounts:
                found = account.earliest(need.units, need.lifetime, start, latest, now, asker)
                if found is None:
                    return Proposal(None, need.pool)
                if found > start:
                    start, blocker, settled = found, need.pool, False
            if settled or len(accounts) == 1:
                return Proposal(start, blocker)
        return Proposal(None, blocker)

    def place(
        self, intent_id: str, asker: Asker, needs: Iterable[Need], start: Micros, now: Micros
    ) -> Hold:
        """Hold every need from ``start`` on. What ``propose`` gave fits; a replay does not ask."""
        hold = Hold(intent_id, asker, start)
        for need in needs:
            account = self.account(need.pool, now)
            leg = Leg(intent_id, asker, need.pool, need.units, start, start + need.lifetime)
            account.hold(leg, now)
            account.touch(asker, now)
            hold.legs[need.pool] = leg
            heappush(self._expiries, (leg.end, intent_id, need.pool))
        if hold.legs:
            self.holds[intent_id] = hold
        return hold

    def find(self, intent_id: str) -> Hold | None:
        """An intent's hold, open or remembered."""
        return self.holds.get(intent_id) or self.closed.get(intent_id)

    def settle(
        self, intent_id: str, units: Mapping[str, int], now: Micros, report: str
    ) -> Settlement:
        """End an intent's hold: ``units`` used by pool (0 frees). Parts that had expired are
        corrected, where that usage still counts. ``KeyError`` for an intent nobody remembers."""
        hold = self.find(intent_id)
        if hold is None:
            raise KeyError(intent_id)
        hold.report = report
        lines: list[Resolved] = []
        late = False
        for pool, expired in list(hold.resolved.items()):
            late = True
            lines.append(self._correct(hold, expired, units.get(pool, expired.held), now))
        for pool, leg in list(hold.legs.items()):
            account = self.account(pool, now)
            used = units.get(pool, leg.units)
            account.settle(leg, used, now)
            resolved = Resolved(pool, leg.units, used, now)
            self._resolve(hold, resolved)
            lines.append(resolved)
        return Settlement(tuple(lines), late)

    def _correct(self, hold: Hold, expired: Resolved, used: int, now: Micros) -> Resolved:
        account = self.account(expired.pool, now)
        change = used - expired.used
        if change and account.correct(change, expired.at, hold.asker.party):
            account.settled_total = max(0, account.settled_total + change)
        corrected = Resolved(expired.pool, expired.held, used, expired.at, expired=True)
        hold.resolved[expired.pool] = corrected
        return corrected

    def extendable(self, intent_id: str, end: Micros, now: Micros) -> bool:
        """Whether an open hold's legs may all live until ``end`` with every promise kept."""
        hold = self.holds[intent_id]
        return all(
            self.account(leg.pool, now).extendable(leg, end, now)
            for leg in hold.legs.values()
            if leg.end < end
        )

    def extend(self, intent_id: str, end: Micros, now: Micros) -> None:
        """Let an open hold's legs live until ``end`` at least."""
        for leg in self.holds[intent_id].legs.values():
            if leg.end >= end:
                continue
            account = self.account(leg.pool, now)
            account.drop(leg, now)
            leg.end = end
            account.hold(leg, now)
            heappush(self._expiries, (end, intent_id, leg.pool))

    def observe(self, seen: Observation, now: Micros) -> Reconciled:
        """Adopt a provider's numbers for a pool that is declared."""
        return self.account(f"{seen.provider_id}/{seen.pool_id}", now).reconcile(seen, now)

    # --- comparison ---------------------------------------------------------------------------

    def picture(self, now: Micros) -> dict[str, Any]:
        """Everything observable, as plain sorted data: two ledgers that agree have equal ones."""
        self.advance(now)
        return {
            "pools": {key: self._account_picture(key, now) for key in sorted(self.accounts)},
            "holds": {
                intent_id: sorted(
                    (leg.pool, leg.units, leg.start, leg.end) for leg in hold.legs.values()
                )
                for intent_id, hold in sorted(self.holds.items())
            },
        }

    def _account_picture(self, key: str, now: Micros) -> dict[str, Any]:
        account = self.account(key, now)
        shares = sorted((*party, used) for party, used in account.tally.by_party.items())
        return {
            "figures": msgspec.to_builtins(account.figures(now)),
            "observed_at": account.observed_at,
            "settled_total": account.settled_total,
            "shares": shares,
        }
