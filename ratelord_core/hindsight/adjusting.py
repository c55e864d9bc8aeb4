"""What a provider would have said, had a candidate decided instead."""

from __future__ import annotations

from msgspec.structs import replace

from ratelord_core.ledger import Ledger
from ratelord_core.model.ids import pool_key
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation


def adjusted(seen: Observation, past: Ledger, present: Ledger, at: Micros) -> Observation:
    """The observation, with what the past's ledger explains of it replaced by what the candidate's
    does.

    A provider counts what was really done. What it counted beyond the ledger of the past, others
    had spent behind the daemon's back, and they would have done so under any policy; the rest is
    what the candidate let through. ``past`` must not have taken the observation yet.
    """
    key = pool_key(seen.provider_id, seen.pool_id)
    if key not in past.accounts or key not in present.accounts:
        return seen
    before = past.account(key, at).figures(at)
    after = present.account(key, at).figures(at)
    more = after.used - before.used
    if not more:
        return seen
    used = None if seen.used is None else max(0, seen.used + more)
    remaining = None if seen.remaining is None else max(0, seen.remaining - more)
    limit = seen.limit if seen.limit is not None else after.limit
    if remaining is not None and limit is not None:
        remaining = min(remaining, limit)
    return replace(seen, used=used, remaining=remaining)
