"""When pools ran dry: in the log, and under a candidate."""

from __future__ import annotations

from typing import Final

import msgspec

from ratelord_core.events.payloads import IntentDecided
from ratelord_core.ledger import Ledger
from ratelord_core.model.instant import MINUTE, Micros

_NO_ROOM: Final = frozenset({"pool_exhausted", "budget_exceeded"})
_QUIET: Final[Micros] = MINUTE
"""Where no reset is known, a pool that was not dry for so long has recovered."""


class Spell(msgspec.Struct):
    """A time in which a pool was dry: from ``begin`` until ``last`` at least, ``end`` at most."""

    begin: Micros
    last: Micros
    end: Micros


class Dryness:
    """Spells by pool, told by answers: one that leaves nothing, or finds nothing."""

    def __init__(self) -> None:
        self.spells: dict[str, list[Spell]] = {}

    def note(self, at: Micros, e: IntentDecided, ledger: Ledger) -> None:
        """What an answer tells of its pools."""
        for line in e.holds:
            if line.remaining <= 0 and line.units:
                self.dry(line.pool, at, ledger)
        if e.reason_code in _NO_ROOM:
            tightest = e.tightest
            if isinstance(tightest, int):
                tightest = e.holds[tightest].pool if tightest < len(e.holds) else ""
            if tightest:
                self.dry(tightest, at, ledger)

    def dry(self, pool: str, at: Micros, ledger: Ledger) -> None:
        """A pool has nothing left at ``at``."""
        listed = self.spells.setdefault(pool, [])
        if listed and at < listed[-1].end:
            spell = listed[-1]
            spell.last = at
            if not self._resets(pool, ledger):
                spell.end = at + _QUIET
            return
        account = ledger.accounts.get(pool)
        reset_at = None if account is None else account.figures(at).reset_at
        known = self._resets(pool, ledger) and reset_at is not None and reset_at > at
        listed.append(Spell(at, at, reset_at if known and reset_at else at + _QUIET))

    @staticmethod
    def _resets(pool: str, ledger: Ledger) -> bool:
        account = ledger.accounts.get(pool)
        return account is not None and account.pool.window.kind in ("fixed", "calendar")


def without(spells: list[Spell], others: list[Spell]) -> list[Spell]:
    """The spells that none of the others touches; both are in order of time."""
    found, at = [], 0
    for spell in spells:
        while at < len(others) and others[at].end <= spell.begin:
            at += 1
        if at == len(others) or others[at].begin >= spell.end:
            found.append(spell)
    return found
