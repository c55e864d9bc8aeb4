"""All accounts by key. That of a part is opened when it is first looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ratelord_core.ledger.account import Account
from ratelord_core.ledger.opening import open_account
from ratelord_core.ledger.period import PeriodAccount
from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import PART, Pool, declared_key

if TYPE_CHECKING:
    from ratelord_core.ledger.ledger import Ledger


class Accounts(dict[str, Account]):
    """A pool that is counted for each value apart has an account for each value of which somebody
    spoke. One in which nothing is left to tell may be dropped: opened again it is the same."""

    __slots__ = ("_ledger",)

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    def __missing__(self, key: str) -> Account:
        whole = self.get(declared_key(key))
        if PART not in key or whole is None or not whole.pool.per:
            raise KeyError(key)
        now = self._ledger.now
        self._ledger.bring((whole.pool.key,), now)
        account = open_account(shape_of(whole, key), now, self._ledger.terms)
        if isinstance(account, PeriodAccount) and isinstance(whole, PeriodAccount):
            account.windows.start, account.windows.end = whole.windows.start, whole.windows.end
        account.brought_to = now
        self[key] = account
        return account

    def parts(self, key: str) -> list[str]:
        """The parts of a pool that are open."""
        return [part for part in self if part.startswith(key + PART)]

    def idle(self, now: Micros) -> Iterator[str]:
        """The parts in which nothing is used, held or promised."""
        for key, account in self.items():
            if PART in key and not account.legs and not account.figures(now).used:
                yield key


def shape_of(whole: Account, key: str) -> Pool:
    """The pool that a part is."""
    pool = whole.pool.part(key.partition(PART)[2])
    return pool if pool.limit == whole.limit else replace(pool, limit=whole.limit)
