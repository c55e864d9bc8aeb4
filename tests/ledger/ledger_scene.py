"""A ledger with a clock turned by hand, and short words for what is done to it."""

from __future__ import annotations

from typing import Any

from ratelord_core.ledger import Asker, Figures, Ledger, Need, Reconciled, Settlement, Terms
from ratelord_core.model.instant import MINUTE, SECOND, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window

NOON: Micros = 1_800_000_000 * SECOND
LONG: Micros = 10**15


def pool(name: str, limit: int | None, window: Window, *, local: bool = False) -> Pool:
    return Pool("p", name, limit=limit, window=window, local=local)


class Scene:
    """Asks place a hold when it may start within the wait; else nothing happens."""

    def __init__(self, *pools: Pool, reserve: float = 0.0) -> None:
        self.ledger = Ledger(Terms(reserve))
        self.now = NOON
        self.asked = 0
        self.key = pools[0].key if pools else ""
        for each in pools:
            self.ledger.declare(each, self.now)

    def wait(self, span: Micros) -> None:
        self.ledger.advance(self.now + span)
        self.now += span

    def ask(
        self,
        units: int = 1,
        *,
        agent: str = "a",
        ttl: Micros = MINUTE,
        within: Micros = 0,
        weight: float = 1.0,
        urgent: bool = False,
        pools: tuple[str, ...] = (),
    ) -> Micros | None:
        """How long until the start; None if that is not within the wait."""
        asker = Asker((agent, "identity", "global"), weight, urgent)
        needs = [Need(key, units, ttl) for key in pools or (self.key,)]
        latest = self.now + within
        start = self.ledger.propose(needs, asker, self.now, latest=latest).start
        if start is None or start > latest:
            return None
        self.asked += 1
        self.ledger.place(self.last, asker, needs, start, self.now)
        return start - self.now

    @property
    def last(self) -> str:
        """The intent asked last."""
        return f"intent {self.asked}"

    def report(self, units: int, intent: str | None = None) -> Settlement:
        intent = intent or self.last
        hold = self.ledger.find(intent)
        assert hold is not None
        pools = {*hold.legs, *hold.resolved}
        used = dict.fromkeys(pools, units)
        return self.ledger.settle(intent, used, self.now, f"{units} units")

    def see(self, dated: Micros | None = None, key: str = "", **numbers: Any) -> Reconciled:
        """What the provider says, as of now or another instant."""
        _, _, pool_id = (key or self.key).partition("/")
        seen = Observation("p", pool_id, self.now if dated is None else dated, **numbers)
        return self.ledger.observe(seen, self.now)

    def figures(self, key: str = "") -> Figures:
        return self.ledger.account(key or self.key, self.now).figures(self.now)

    @property
    def used(self) -> int:
        return self.figures().used

    @property
    def available(self) -> int:
        return self.figures().available
