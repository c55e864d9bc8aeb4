"""What a reported action came to in money: the same prices as its hold, the real amounts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ratelord_core.engine.prices import Amount, meters
from ratelord_core.engine.receipt import Receipt
from ratelord_core.engine.state import State
from ratelord_core.ledger import Hold
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.intent import Report
from ratelord_core.model.pool import MONEY, declared_key

Settled = Sequence[tuple[str, int]]

_UNKNOWN = Receipt(None, {}, -1)


class Bill:
    """Prices one report. ``declared`` are the pools of which the workload says what a call
    consumes: their money is not priced from the list."""

    def __init__(self, state: State, hold: Hold, report: Report, declared: Collection[str]) -> None:
        self._state = state
        self._receipt: Receipt = hold.note or _UNKNOWN
        self._report = report
        self._declared = declared

    def of(self, settled: Settled) -> tuple[list[tuple[str, int]], tuple[str, ...], int]:
        """The settled units with their money priced, the pools that were, and the micro-USD in all.

        A report that names no cost leaves what was held; so does one of which nothing has a price.
        """
        cost = self._cost(settled) if self._says_something() else None
        if cost is None:
            return list(settled), (), self._receipt.cost
        priced = tuple(pool for pool, _ in settled if self._is_priced(pool))
        return [(pool, cost if pool in priced else units) for pool, units in settled], priced, cost

    def _says_something(self) -> bool:
        return self._report.actual_cost is not None or bool(self._report.costs)

    def _is_priced(self, pool: str) -> bool:
        name = declared_key(pool)
        return (
            self._unit(pool) == MONEY
            and name not in self._declared
            and name not in self._report.costs
        )

    def _unit(self, pool: str) -> str:
        return self._state.ledger.accounts[pool].pool.unit

    def _cost(self, settled: Settled) -> int | None:
        pools = [declared_key(pool) for pool, _ in settled]
        drawn = [
            Amount(pool, units, self._unit(pool))
            for pool, units in settled
            if self._unit(pool) != MONEY
        ]
        counted = meters(self._report.costs, pools)
        # What the report counts of a provider stands for all that the asker expected of it.
        told = {split_pool_key(amount.key)[0] for amount in counted}
        expected = {key: float(units) for key, units in self._receipt.costs.items()}
        for amount in meters(expected, pools):
            if split_pool_key(amount.key)[0] not in told:
                counted.append(amount)
        return self._state.prices.cost(drawn + counted, self._receipt.model)
