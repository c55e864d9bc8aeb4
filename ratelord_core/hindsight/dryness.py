"""When pools ran dry: in the log, and under a candidate."""

from __future__ import annotations

from typing import Final

import msgspec

from ratelord_core.events.payloads import IntentDecided
from ratelord_core.ledger import Ledger
from ratelord_core.model.instant import MINUTE, SECOND, Micros
from ratelord_core.model.pool import declared_key

_NO_ROOM: Final = frozenset({"pool_exhausted", "budget_exceeded"})
_MILLISECOND: Final[Micros] = SECOND // 1000
_QUIET: Final[Micros] = MINUTE
"""Where no reset is known, a pool that was not dry for so long has recovered."""


class Spell(msgspec.Struct):
    """A time in which a pool was dry: from ``begin`` until ``last`` at least, ``end`` at most."""

    begin: Micros
    last: Micros
    end: Micros


class Dryness:
    """Spells by pool, told by answers: one that leaves nothing, or finds nothing. ``ledger`` has
    the shapes of the pools."""

    def __init__(self, ledger: Ledger) -> None:
        self.spells: dict[str, list[Spell]] = {}
        self._accounts = ledger.accounts

    def note(self, at: Micros, e: IntentDecided) -> None:
        """What an answer tells of its pools."""
        for line in e.holds:
            if line.remaining <= 0 and line.units:
                self.dry(line.pool, at, line.reset_in)
        if e.reason_code in _NO_ROOM:
            pool, ttr = e.tightest, e.ttr
            if isinstance(pool, str):
                if pool:
                    self.dry(pool, at, 0 if ttr is None else ttr * _MILLISECOND)
            elif pool < len(e.holds):
                self.dry(e.holds[pool].pool, at, e.holds[pool].reset_in)

    def dry(self, pool: str, at: Micros, reset_in: Micros) -> None:
        """A pool has nothing left at ``at``; more comes after ``reset_in`` (0, or negative: nobody
        knows)."""
        listed = self.spells.setdefault(pool, [])
        resets = self._resets(pool)
        if listed and at < listed[-1].end:
            spell = listed[-1]
            spell.last = at
            if not resets:
                spell.end = at + _QUIET
            return
        listed.append(Spell(at, at, at + (reset_in if resets and reset_in > 0 else _QUIET)))

    def _resets(self, pool: str) -> bool:
        account = self._accounts.get(declared_key(pool))
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
