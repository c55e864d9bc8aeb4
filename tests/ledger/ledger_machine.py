"""A state machine that drives a ledger as the engine does, beside naive models of its pools."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from naive_ledger import NaivePool, naive

from ratelord_core.ledger import Asker, Ledger, Need, Party, Terms
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.pool import Pool

TICK: Micros = SECOND // 4
START: Micros = 1_800_000_000 * SECOND + 11 * TICK

IN_GUARD: Micros = 10_000
"""So long after a reset even the shortest guard is being waited out."""

units_of = st.one_of(st.integers(1, 3), st.integers(0, 9))
lifetimes = st.one_of(st.integers(1, 8), st.integers(1, 40)).map(lambda ticks: ticks * TICK)
jumps = st.one_of(
    st.integers(0, 8).map(lambda ticks: ticks * TICK),
    st.integers(0, 3 * SECOND),
    st.integers(0, 200).map(lambda seconds: seconds * SECOND),
)


class LedgerMachine(RuleBasedStateMachine):
    """Asks, reports, expiries, extensions and time, in any order."""

    agents = 1
    kinds: st.SearchStrategy[list[Pool]]

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.ledger = Ledger(Terms(high_reserve_percent=0))
        self.facts: list[tuple[Any, ...]] = []
        self.models: dict[str, NaivePool] = {}
        self.ended: dict[str, dict[str, tuple[Micros, int]]] = {}
        """Expired and not reported yet: by intent and pool, when and how much."""
        self.asked = 0

    @initialize(data=st.data())
    def declare(self, data: st.DataObject) -> None:
        for pool in data.draw(self.kinds):
            self.models[pool.key] = naive(pool, self.now)
            self._tell("declare", pool, self.now)

    def _tell(self, what: str, *details: Any) -> Any:
        self.facts.append((what, *details))
        return getattr(self.ledger, what)(*details)

    # --- time ---------------------------------------------------------------------------------

    @rule(span=jumps)
    def time_passes(self, span: Micros) -> None:
        self._go(self.now + span)

    @rule(off=st.sampled_from((0, 0, 0, -1, 1)), data=st.data())
    def time_reaches_a_boundary(self, off: int, data: st.DataObject) -> None:
        spans = [span for model in self.models.values() for span in model.spans()]
        instants = sorted({at + off for span in spans for at in span[:2] if at + off > self.now})
        if instants:
            self._go(data.draw(st.sampled_from(instants[:6])))

    @precondition(lambda self: self._guarded())
    @rule(data=st.data(), units=st.integers(1, 4))
    def something_happens_in_a_guard(self, data: st.DataObject, units: int) -> None:
        model = data.draw(st.sampled_from(self._guarded()))
        self._go(model.renewal(self.now) + IN_GUARD)
        self._ask([Need(model.pool.key, units, TICK)], self._asker(data), self.now)
        if self._started():
            self._report(data.draw(st.sampled_from(self._started())), 4)
        patient = self.now + 300 * SECOND
        self._ask([Need(model.pool.key, model.limit, TICK)], self._asker(data), patient)
        self._go(max(self.now, model.release(self.now - 2 * IN_GUARD)))

    def _guarded(self) -> list[NaivePool]:
        return [m for m in self.models.values() if m.renewal(self.now) < m.release(self.now)]

    def _go(self, now: Micros) -> None:
        self.now = now
        expired = {(i, line.pool, line.used, line.at) for i, line in self.ledger.advance(now)}
        assert expired == set(self._expire())

    def _expire(self) -> list[tuple[str, str, int, Micros]]:
        gone = []
        for key, model in self.models.items():
            for intent, (_, end, units) in list(model.legs.items()):
                if end > self.now:
                    continue
                model.expire(intent)
                used = 0 if model.pool.window.kind == "concurrency" else units
                self.ended.setdefault(intent, {})[key] = (end, used)
                gone.append((intent, key, used, end))
        return gone

    # --- asks ---------------------------------------------------------------------------------

    @rule(data=st.data(), lifetime=lifetimes, wait=st.integers(0, 60))
    def ask(self, data: st.DataObject, lifetime: Micros, wait: int) -> None:
        keys = data.draw(st.lists(st.sampled_from(sorted(self.models)), min_size=1, unique=True))
        needs = [Need(key, data.draw(units_of), lifetime) for key in keys]
        self._ask(needs, self._asker(data), self.now + wait * SECOND)

    @rule(data=st.data(), crowd=st.lists(st.tuples(units_of, lifetimes), min_size=2, max_size=8))
    def a_patient_crowd_asks(self, data: st.DataObject, crowd: list[tuple[int, Micros]]) -> None:
        for units, lifetime in crowd:
            keys = data.draw(st.sampled_from(([*self.models], [*self.models][:1])))
            asker = self._asker(data)
            self._ask([Need(key, units, lifetime) for key in keys], asker, self.now + 300 * SECOND)

    def _asker(self, data: st.DataObject) -> Asker:
        return Asker((f"agent:{data.draw(st.integers(1, self.agents))}", "id", "global"))

    def _ask(self, needs: list[Need], asker: Asker, latest: Micros) -> None:
        first = self.ledger.propose(needs, asker, self.now).start
        spaced = self.ledger.propose(needs, asker, self.now, latest=latest).start
        self._check_first(needs, first)
        if first is None or first > latest:
            assert spaced is None or spaced > latest
            return
        assert spaced is not None
        assert first <= spaced <= latest, "spacing must neither hasten nor deny"
        assert all(self._fits(need, spaced) for need in needs)
        self.asked += 1
        intent = f"intent-{self.asked}"
        self._tell("place", intent, asker, needs, spaced, self.now)
        for need in needs:
            span = (spaced, spaced + need.lifetime, need.units)
            self.models[need.pool].legs[intent] = span

    def _fits(self, need: Need, start: Micros) -> bool:
        return self.models[need.pool].fits(need.units, start, need.lifetime)

    def _check_first(self, needs: list[Need], first: Micros | None) -> None:
        if all(self._fits(need, self.now) for need in needs):
            assert first == self.now, "what fits now is never refused"
            return
        assert first != self.now, "more than fits"
        if first is not None:
            assert all(self._fits(need, first) for need in needs)
        if self.agents == 1 and all(n.pool != "bucket/b" for n in needs):
            assert first == self._earliest(needs)

    def _earliest(self, needs: list[Need]) -> Micros | None:
        """The first instant at which all fit, by trying every instant at which one may."""
        models = [self.models[need.pool] for need in needs]
        instants = sorted(set().union(*(model.candidates(self.now) for model in models)))
        return next(
            (at for at in instants if all(self._fits(need, at) for need in needs)),
            None,
        )

    # --- reports ------------------------------------------------------------------------------

    def _open(self) -> list[str]:
        return sorted({intent for model in self.models.values() for intent in model.legs})

    def _started(self) -> list[str]:
        return [intent for intent in self._open() if self.ledger.holds[intent].start <= self.now]

    @precondition(lambda self: self._started())
    @rule(data=st.data(), part=st.sampled_from((0, 1, 2, 3, 4, 4, 4)))
    def report(self, data: st.DataObject, part: int) -> None:
        self._report(data.draw(st.sampled_from(self._started())), part)

    @precondition(lambda self: self._open())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self._report(data.draw(st.sampled_from(self._open())), 0)

    def _report(self, intent: str, part: int) -> None:
        """Part of what was held, in quarters; more than four is more than was held."""
        used: dict[str, int] = {}
        for key, model in self.models.items():
            if intent in model.legs:
                start, _, units = model.legs.pop(intent)
                used[key] = units * part // 4
                model.honest &= start <= self.now or not used[key]
                model.use(self.now, used[key])
        used |= self._report_late(intent, part)
        self._tell("settle", intent, used, self.now, f"report of {part}")

    def _report_late(self, intent: str, part: int) -> dict[str, int]:
        used: dict[str, int] = {}
        for key, (at, units) in self.ended.pop(intent, {}).items():
            model = self.models[key]
            used[key] = units * part // 4
            if model.counts(at, self.now):
                model.correct(at, units, used[key], self.now)
        return used

    @precondition(lambda self: self.ended)
    @rule(data=st.data(), part=st.integers(0, 4))
    def report_late(self, data: st.DataObject, part: int) -> None:
        self._report(data.draw(st.sampled_from(sorted(self.ended))), part)

    @precondition(lambda self: self._open())
    @rule(data=st.data(), longer=st.integers(1, 40))
    def extend(self, data: st.DataObject, longer: int) -> None:
        intent = data.draw(st.sampled_from(self._open()))
        end = self.now + longer * TICK
        if not self.ledger.extendable(intent, end, self.now):
            return
        self._tell("extend", intent, end, self.now)
        for model in self.models.values():
            if intent in model.legs:
                start, before, units = model.legs[intent]
                model.legs[intent] = (start, max(before, end), units)

    # --- what always holds --------------------------------------------------------------------

    @invariant()
    def the_figures_are_the_naive_ones(self) -> None:
        for key, model in self.models.items():
            figures = self.ledger.account(key, self.now).figures(self.now)
            assert figures.used == model.used(self.now), key
            assert figures.held == model.held(self.now), key
            assert figures.scheduled == model.scheduled(self.now), key
            assert figures.available >= 0

    @invariant()
    def nothing_can_pass_the_limit(self) -> None:
        for model in self.models.values():
            assert not model.honest or model.never_passes(self.now)

    @invariant()
    def what_is_held_is_held_for_somebody(self) -> None:
        for key in self.models:
            account = self.ledger.account(key, self.now)
            holders: dict[Party, int] = {}
            for leg in account.legs:
                if leg.started:
                    holders[leg.asker.party] = holders.get(leg.asker.party, 0) + leg.units
            assert {who: n for who, n in account.holders.items() if n} == {
                who: n for who, n in holders.items() if n
            }
            assert set(account.holders) <= set(holders)

    @invariant()
    def promises_stand(self) -> None:
        for intent in self._open():
            hold = self.ledger.holds[intent]
            for key, model in self.models.items():
                assert (intent in model.legs) == (key in hold.legs)
                if intent in model.legs:
                    leg = hold.legs[key]
                    assert (leg.start, leg.end, leg.units) == model.legs[intent]

    def teardown(self) -> None:
        if not self.models:
            return
        self._replays()
        self._ends_empty()
        assert not any(model.honest and model.truly_passed() for model in self.models.values())

    def _replays(self) -> None:
        """What was written down, folded anew, is the same ledger; so is one advanced in steps."""
        again = Ledger(Terms(high_reserve_percent=0))
        for what, *details in self.facts:
            getattr(again, what)(*details)
        again.advance(self.now)
        assert again.picture(self.now) == self.ledger.picture(self.now)
        asker = Asker(("agent:1", "id", "global"))
        for key, model in self.models.items():
            for units in range(1, model.limit + 1):
                need = [Need(key, units, 7 * TICK)]
                latest = self.now + 20 * SECOND
                assert again.propose(need, asker, self.now, latest=latest) == self.ledger.propose(
                    need, asker, self.now, latest=latest
                )

    def _ends_empty(self) -> None:
        ends = [end for model in self.models.values() for _, end, _ in model.legs.values()]
        self._go(max([self.now, *ends]))
        assert not self.ledger.holds
        for account in self.ledger.accounts.values():
            assert (account.held, account.scheduled, len(account.legs)) == (0, 0, 0)
