"""Everything observable of a ledger, as plain sorted data: two that agree have equal ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ratelord_core.model.instant import Micros

if TYPE_CHECKING:
    from ratelord_core.ledger.ledger import Ledger


def picture(ledger: Ledger, now: Micros) -> dict[str, Any]:
    """The accounts and open holds as they stand. Parts that nobody has anything of are left out:
    whether they are open tells nothing."""
    ledger.bring(list(ledger.accounts), now)
    told = ledger.accounts.keys() - set(ledger.accounts.idle(now))
    return {
        "pools": {key: _account(ledger, key, now) for key in sorted(told)},
        "holds": {
            intent_id: sorted(
                (leg.pool, leg.units, leg.start, leg.end) for leg in hold.legs.values()
            )
            for intent_id, hold in sorted(ledger.holds.items())
        },
    }


def _account(ledger: Ledger, key: str, now: Micros) -> dict[str, Any]:
    account = ledger.account(key, now)
    shares = sorted((*party, used) for party, used in account.tally.by_party.items())
    return {
        "figures": msgspec.to_builtins(account.figures(now)),
        "observed_at": account.observed_at,
        "settled_total": account.settled_total,
        "shares": shares,
    }
