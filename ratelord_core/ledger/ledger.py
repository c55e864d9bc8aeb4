"""All accounts together: holds on every pool of an intent or on none, until they resolve."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ratelord_core.ledger.account import Account
from ratelord_core.ledger.accounts import Accounts, shape_of
from ratelord_core.ledger.expiries import Expiries
from ratelord_core.ledger.hold import (
    Asker,
    Hold,
    Leg,
    Need,
    Proposal,
    Reconciled,
    Reset,
    Resolved,
    Settlement,
    Terms,
    Wanted,
    by_pool,
)
from ratelord_core.ledger.opening import open_account, reshape
from ratelord_core.ledger.picture import picture
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import PART, Pool

_ROUNDS = 256
_REMEMBERED = 100_000


class Ledger:
    """Every pool's account and every open hold. Pure: instants are passed in, and one that lies
    before the newest known is taken for that one. Whatever is asked or told at an instant, holds
    that end until then have expired first, each at its own instant.

    The invariant: no hold is placed (through ``propose`` and ``place``) that takes used + held,
    later promises included, past the capacity known at that moment.
    """

    def __init__(self, terms: Terms | None = None) -> None:
        self.terms = terms or Terms()
        self.now: Micros = 0
        self.accounts = Accounts(self)
        self.holds: dict[str, Hold] = {}
        self.closed: OrderedDict[str, Hold] = OrderedDict()
        self._expiries = Expiries()
        self._expired: list[tuple[str, Resolved]] = []
        self.resets: list[Reset] = []
        """The windows that ended, until somebody takes them."""

    # --- pools --------------------------------------------------------------------------------

    def declare(self, pool: Pool, now: Micros) -> None:
        """Open a pool's account, or give it a new shape. What was used and held stays."""
        now = self._reach(now)
        before = self.accounts.get(pool.key)
        if before is None:
            self.accounts[pool.key] = open_account(pool, now, self.terms)
            return
        self._redeclare(before, pool, now)
        for part in self.accounts.parts(pool.key) if pool.per else ():
            shape = shape_of(self.accounts[pool.key], part)
            self._redeclare(self.accounts[part], shape, now)

    def _redeclare(self, before: Account, pool: Pool, now: Micros) -> None:
        self.account(pool.key, now)
        if before.pool == pool:
            before.reserve(self.terms.high_reserve_percent)
            return
        if before.pool.window == pool.window and before.pool.local == pool.local:
            before.pool = pool
            before.reserve(self.terms.high_reserve_percent)
            if pool.limit is not None:
                before.relimit(pool.limit)
            return
        self.accounts[pool.key] = reshape(before, pool, now, self.terms)

    def account(self, key: str, now: Micros) -> Account:
        """A pool's account, brought to ``now``; ``KeyError`` for an unknown pool."""
        return self._bring(key, self._reach(now))

    def bring(self, pools: Iterable[str], now: Micros) -> None:
        """Bring the accounts of these pools to ``now``."""
        now = self._reach(now)
        for key in pools:
            self._bring(key, now)

    def _bring(self, key: str, now: Micros) -> Account:
        account = self.accounts[key]
        if account.brought_to != now:
            account.brought_to = now
            reset = account.advance(now)
            if reset is not None and PART not in key:  # a part's windows are those of its pool
                self.resets.append(reset)
        return account

    def is_quiet(self, now: Micros) -> bool:
        """Whether no time passes until then, and nothing ended that nobody has taken yet."""
        return not (
            self.resets or self._expired or now > self.now or now >= self._expiries.next_end
        )

    def take_resets(self) -> list[Reset]:
        """The windows that ended since the last call."""
        taken, self.resets = self.resets, []
        return taken

    # --- time ---------------------------------------------------------------------------------

    def advance(self, now: Micros) -> Sequence[tuple[str, Resolved]]:
        """Let everything expire whose time has come; what did since the last call."""
        self._reach(now)
        expired, self._expired = self._expired, []
        return expired

    def _reach(self, now: Micros) -> Micros:
        """Time passes; it never goes back. Nobody looks at an account before this."""
        if now > self.now:
            self.now = now
        else:
            now = self.now
        if now >= self._expiries.next_end:
            self._expire(now)
        return now

    def _expire(self, now: Micros) -> None:
        while (leg := self._expiries.due(now)) is not None:
            account = self._bring(leg.pool, leg.end)
            used = 0 if account.pool.window.kind == "concurrency" else leg.units
            account.settle(leg, used, leg.end)
            resolved = Resolved(leg.pool, leg.units, used, leg.end, expired=True)
            self._resolve(self.holds[leg.intent_id], leg, resolved)
            self._expired.append((leg.intent_id, resolved))

    def _resolve(self, hold: Hold, leg: Leg, resolved: Resolved) -> None:
        leg.open = False
        del hold.legs[leg.pool]
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
        if now != self.now or now >= self._expiries.next_end:
            now = self._reach(now)
        start = now if not_before < now else not_before
        wanted = [need for need in by_pool(needs) if need.units]
        for need in wanted:
            if self.accounts[need.pool].brought_to != now:
                self._bring(need.pool, now)
        found = self._together(wanted, asker, start, latest, now)
        if start < latest and (found.start is None or found.start > latest):
            return self._together(wanted, asker, start, start, now)
        return found

    def _together(
        self, needs: Sequence[Wanted], asker: Asker, start: Micros, latest: Micros, now: Micros
    ) -> Proposal:
        """Let each pool move the start to where it fits there, until none does."""
        accounts, blocker = self.accounts, None
        for _ in range(_ROUNDS):
            before = start
            for need in needs:
                pool, units = need.pool, need.units
                found = accounts[pool].earliest(units, need.lifetime, start, latest, now, asker)
                if found is None:
                    return Proposal(None, pool)
                if found > start:
                    start, blocker = found, pool
            if start == before or len(needs) == 1:
                return Proposal(start, blocker)
        return Proposal(None, blocker)

    def place(
        self, intent_id: str, asker: Asker, needs: Sequence[Wanted], start: Micros, now: Micros
    ) -> Hold:
        """Hold every need from ``start`` on. What ``propose`` gave fits; a replay does not ask.
        ``ValueError`` for an intent that holds something already."""
        if intent_id in self.holds:
            raise ValueError(f"intent {intent_id} has a hold; settle it before placing another")
        if now != self.now or now >= self._expiries.next_end:
            now = self._reach(now)
        hold = Hold(intent_id, asker, start)
        legs = hold.legs
        for need in by_pool(needs):
            pool = need.pool
            account = self.accounts[pool]
            if account.brought_to != now:
                self._bring(pool, now)
            leg = legs[pool] = Leg(intent_id, asker, pool, need.units, start, start + need.lifetime)
            account.hold(leg, now)
            account.touch(asker, now)
        if legs:
            self._expiries.add(legs.values())
            self.holds[intent_id] = hold
        return hold

    def find(self, intent_id: str) -> Hold | None:
        """An intent's hold, open or remembered."""
        return self.holds.get(intent_id) or self.closed.get(intent_id)

    def settle(
        self, intent_id: str, units: Mapping[str, int], now: Micros, report: str
    ) -> Settlement:
        """End an intent's hold: ``units`` used by pool (0 frees). Parts that had expired are
        corrected, where that usage still counts. The same ``report`` again changes nothing.
        ``KeyError`` for an intent nobody remembers."""
        now = self._reach(now)
        hold = self.find(intent_id)
        if hold is None:
            raise KeyError(intent_id)
        late = any(line.expired for line in hold.resolved.values())
        if hold.report == report:
            return Settlement(tuple(hold.resolved.values()), late)
        hold.report = report
        for pool, before in list(hold.resolved.items()):
            self._correct(hold, before, units.get(pool, before.held), now)
        for pool, leg in list(hold.legs.items()):
            used = units.get(pool, leg.units)
            self._bring(pool, now).settle(leg, used, now)
            self._resolve(hold, leg, Resolved(pool, leg.units, used, now))
            self._expiries.pass_over()
        return Settlement(tuple(hold.resolved.values()), late)

    def _correct(self, hold: Hold, before: Resolved, used: int, now: Micros) -> None:
        account = self._bring(before.pool, now)
        change = used - before.used
        if change and account.correct(change, before.at, hold.asker.party):
            account.settled_total = max(0, account.settled_total + change)
            account.attribute(hold.asker, change, before.at)
        hold.resolved[before.pool] = msgspec.structs.replace(before, used=used)

    def extendable(self, intent_id: str, end: Micros, now: Micros) -> bool:
        """Whether an open hold's legs may all live until ``end`` with every promise kept;
        ``KeyError`` if none is open."""
        now = self._reach(now)
        return all(
            self._bring(leg.pool, now).extendable(leg, end, now)
            for leg in self.holds[intent_id].legs.values()
            if leg.end < end and leg.units
        )

    def extend(self, intent_id: str, end: Micros, now: Micros) -> None:
        """Let an open hold's legs live until ``end`` at least; ``KeyError`` if none is open."""
        now = self._reach(now)
        for leg in self.holds[intent_id].legs.values():
            if leg.end >= end:
                continue
            account = self._bring(leg.pool, now)
            account.drop(leg, now)
            leg.end = end
            account.hold(leg, now)
            self._expiries.add((leg,))
            self._expiries.pass_over()

    def observe(self, seen: Observation, now: Micros) -> Reconciled:
        """Adopt a provider's numbers for a pool that is declared."""
        now, key = self._reach(now), f"{seen.provider_id}/{seen.pool_id}"
        account = self._bring(key, now)
        result = account.reconcile(seen, now)
        account.brought_to = -1  # what it learnt may end a window, or a unit's time, right now
        self._bring(key, now)
        return result

    # --- all of it ----------------------------------------------------------------------------

    def sweep(self, now: Micros) -> bool:
        """Forget the parts in which nothing is left to tell; whether there were any."""
        self.bring(list(self.accounts), now)
        idle = list(self.accounts.idle(self.now))
        for key in idle:
            del self.accounts[key]
        return bool(idle)

    def picture(self, now: Micros) -> dict[str, Any]:
        """Everything observable, as plain sorted data: two ledgers that agree have equal ones."""
        return picture(self, self._reach(now))
