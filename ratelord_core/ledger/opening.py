"""Opens accounts: each kind of window has its own."""

from __future__ import annotations

import msgspec

from ratelord_core.ledger.account import Account
from ratelord_core.ledger.bucket import BucketAccount
from ratelord_core.ledger.hold import Terms
from ratelord_core.ledger.period import PeriodAccount
from ratelord_core.ledger.trailing import TrailingAccount
from ratelord_core.ledger.unbounded import UnboundedAccount
from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import Pool


def open_account(pool: Pool, now: Micros, terms: Terms) -> Account:
    """A pool's account, in which nothing has happened yet."""
    kind = pool.window.kind
    if kind in {"fixed", "calendar"}:
        return PeriodAccount(pool, now, terms.high_reserve_percent)
    if kind in {"sliding", "concurrency"}:
        return TrailingAccount(pool)
    if kind == "bucket":
        return BucketAccount(pool, now)
    return UnboundedAccount(pool)


def reshape(before: Account, pool: Pool, now: Micros, terms: Terms) -> Account:
    """The account of a pool whose window is of another kind or length now. Its holds and what was
    used stay, and so does its limit where the pool names none."""
    if pool.limit is None:
        pool = msgspec.structs.replace(pool, limit=before.limit)
    after = open_account(pool, now, terms)
    after.take_over(before, now)
    for leg in sorted(before.legs, key=lambda leg: (leg.start, leg.intent_id)):
        after.hold(leg, now)
    return after
