"""The ledger's machine with facts besides: a provider's numbers, other limits, overdrafts.

Facts may pass any limit, so the naive models do not follow here. What a fact must do is checked
where it happens; that nothing is admitted beyond what is available, that nothing leaks and that a
replay comes out the same is checked throughout.
"""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from ledger_machine import TICK, LedgerMachine

from ratelord_core.ledger import Figures, Need
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.window import Window

ages = st.integers(1, 40).map(lambda ticks: ticks * TICK)
perhaps = st.one_of(st.none(), st.integers(0, 20))
lengths = st.integers(SECOND // 10, 9 * SECOND)
shapes = st.one_of(
    st.builds(Window, st.sampled_from(("fixed", "sliding", "bucket")), lengths),
    st.sampled_from((Window("fixed"), Window("concurrency"), Window("calendar", unit="hour"))),
)


class FactMachine(LedgerMachine):
    """Observations (late, doubled, out of order, partial), moved resets, limits and windows that
    change, reports above the hold."""

    def __init__(self) -> None:
        super().__init__()
        self.newest: dict[str, Micros] = {}

    def _figures(self, key: str) -> Figures:
        return self.ledger.account(key, self.now).figures(self.now)

    def _key(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.models)))

    def _see(self, key: str, dated: Micros, **numbers: Any) -> Any:
        provider_id, pool_id = key.split("/")
        return self._tell("observe", Observation(provider_id, pool_id, dated, **numbers), self.now)

    # --- facts --------------------------------------------------------------------------------

    @rule(data=st.data(), used=st.integers(0, 20), limit=perhaps)
    def a_number_of_now_is_adopted(self, data: st.DataObject, used: int, limit: int | None) -> None:
        key = self._key(data)
        self._see(key, self.now, used=used, limit=limit)
        self.newest[key] = self.now

        figures = self._figures(key)
        kind = self.ledger.accounts[key].pool.window.kind
        assert figures.used == (max(0, used - figures.held) if kind == "concurrency" else used)
        assert limit is None or figures.limit == limit

    @rule(data=st.data(), age=ages, used=perhaps, limit=perhaps)
    def an_old_number_only_raises(
        self, data: st.DataObject, age: Micros, used: int | None, limit: int | None
    ) -> None:
        key, dated = self._key(data), self.now - age
        older = dated < self.newest.get(key, 0)
        before = self._figures(key)
        self._see(key, dated, used=used, limit=limit)
        self.newest[key] = max(dated, self.newest.get(key, 0))
        after = self._figures(key)
        if older:
            assert after.used >= before.used
            assert (after.limit, after.reset_at) == (before.limit, before.reset_at) or (
                after.limit == before.limit and self._key_kind(key) in {"bucket", "sliding"}
            )
        picture = self.ledger.picture(self.now)
        self._see(key, dated, used=used, limit=limit)
        assert self.ledger.picture(self.now) == picture, "told twice, it must count once"

    def _key_kind(self, key: str) -> str:
        return self.ledger.accounts[key].pool.window.kind

    @rule(data=st.data(), ahead=st.integers(0, 20 * SECOND))
    def a_reset_that_moves_refills_nothing(self, data: st.DataObject, ahead: Micros) -> None:
        key = self._key(data)
        used = self._figures(key).used
        known = self._figures(key).reset_at
        self._see(key, self.now, reset_at=self.now + ahead)
        self.newest[key] = self.now
        rolled = known is not None and known <= self.now
        assert rolled or self._figures(key).used == used

    @rule(data=st.data(), every=lengths)
    def another_length_is_learnt(self, data: st.DataObject, every: Micros) -> None:
        key = self._key(data)
        used = self._figures(key).used
        self._see(key, self.now, window_every=every)
        self.newest[key] = self.now
        assert self._figures(key).used <= used

    @rule(data=st.data(), limit=st.integers(0, 15))
    def another_limit_refills_nothing(self, data: st.DataObject, limit: int) -> None:
        key = self._key(data)
        before = self._figures(key)
        pool = msgspec.structs.replace(self.ledger.accounts[key].pool, limit=limit)
        self._tell("declare", pool, self.now)
        after = self._figures(key)
        more = max(0, limit - (before.limit or 0))
        assert after.held == before.held
        assert after.available <= before.available + more

    @rule(data=st.data(), window=shapes)
    def another_window_refills_nothing(self, data: st.DataObject, window: Window) -> None:
        key = self._key(data)
        account = self.ledger.accounts[key]
        before = self._figures(key)
        pool = msgspec.structs.replace(account.pool, window=window, limit=account.limit)
        self._tell("declare", pool, self.now)
        assert self._figures(key).held == before.held
        if self.models[key].pool.window.kind != "concurrency" and window.kind != "concurrency":
            spare = (account.limit or 0) - before.used - before.held
            assert self._figures(key).available <= max(0, before.available, spare)

    @precondition(lambda self: self._started())
    @rule(data=st.data(), part=st.integers(5, 9))
    def report_more(self, data: st.DataObject, part: int) -> None:
        self._report(data.draw(st.sampled_from(self._started())), part)

    # --- what still holds ---------------------------------------------------------------------

    def _expire(self) -> list[tuple[str, str, int, Micros]]:
        for key, model in self.models.items():
            model.pool = self.ledger.accounts[key].pool
        return super()._expire()

    def _report_late(self, intent: str, part: int) -> dict[str, int]:
        late = self.ended.pop(intent, {})
        return {key: units * part // 4 for key, (_, units) in late.items()}

    def _check_first(self, needs: list[Need], first: Micros | None) -> None:
        if first == self.now:
            assert all(need.units <= self._figures(need.pool).available for need in needs)

    def _fits(self, need: Need, start: Micros) -> bool:
        return True

    @invariant()
    def the_figures_are_the_naive_ones(self) -> None:
        for key, model in self.models.items():
            figures = self._figures(key)
            assert figures.held == model.held(self.now), key
            assert figures.scheduled == model.scheduled(self.now), key
            assert figures.available >= 0
            assert figures.used >= 0

    @invariant()
    def nothing_can_pass_the_limit(self) -> None:
        """Facts may."""

    def teardown(self) -> None:
        if self.models:
            self._replays()
            self._ends_empty()
