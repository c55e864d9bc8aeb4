"""A provider on the stage: answers calls and polls, refuses what is too much, fails on schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from ratelord_core.errors import ProviderFailed
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.instant import Micros, to_seconds
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_sim.chance import stream
from ratelord_sim.provider.meters import (
    BucketMeter,
    EndlessMeter,
    Meter,
    PeriodMeter,
    SlidingMeter,
    SlotMeter,
    calendar_turns,
    fixed_turns,
)
from ratelord_sim.scenario.model import FaultTerms, PoolTerms, ProviderTerms
from ratelord_sim.stage import Stage

Status = Literal["ok", "refused", "failed", "timeout"]


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What a call came to. ``refused`` is a 429 (of the pool ``pool``, or of an outage)."""

    status: Status
    pool: str = ""
    retry_after: Micros | None = None
    seen: tuple[Observation, ...] = ()


_OK = Reply("ok")


class Service:
    """One provider with its pools. ``truth`` are the meters that refuse; ``told`` those whose
    numbers polls and headers tell, which may follow late."""

    def __init__(
        self,
        terms: ProviderTerms,
        pools: Iterable[PoolTerms],
        faults: Iterable[FaultTerms],
        stage: Stage,
        seed: int,
    ) -> None:
        self.terms = terms
        self.stage = stage
        self.calls = 0
        self.pools = {pool.id: pool for pool in pools}
        self.truth = {key: self._meter(pool, seed) for key, pool in self.pools.items()}
        self.told = (
            {key: self._meter(pool, seed) for key, pool in self.pools.items()}
            if terms.lag
            else self.truth
        )
        self._faults = tuple(
            fault
            for fault in faults
            if fault.kind in ("outage", "slow_polls") and fault.target in (None, terms.id)
        )
        for key, pool in self.pools.items():
            if pool.used:
                self.spend(key, pool.used)

    def _meter(self, pool: PoolTerms, seed: int) -> Meter:
        window, now = pool.window, self.stage.start
        every = window.every or 0
        if window.kind == "fixed":
            anchor = window.anchor or now + (pool.resets_in if pool.resets_in else every)
            turns = fixed_turns(every, anchor) if every else lambda after: max(after + 1, anchor)
            return PeriodMeter(pool.limit, now, turns, self._shift(pool.id, seed))
        if window.kind == "calendar":
            turns = calendar_turns(window.unit or "day", window.timezone)
            return PeriodMeter(pool.limit, now, turns, self._shift(pool.id, seed))
        if window.kind == "sliding":
            return SlidingMeter(pool.limit, every)
        if window.kind == "bucket":
            return BucketMeter(pool.limit, every, window.burst, now)
        return SlotMeter(pool.limit) if window.kind == "concurrency" else EndlessMeter()

    def _shift(self, key: str, seed: int) -> Callable[[Micros], Micros]:
        most = self.terms.reset_jitter

        def shift(end: Micros) -> Micros:
            if not most:
                return 0
            return round(most * (2 * stream(seed, "reset", key, end).random() - 1))

        return shift

    # --- what is asked of it ------------------------------------------------------------------

    def call(self, needs: Mapping[str, int]) -> Reply:
        """An agent's request, as it arrives: every unit is counted, or none is."""
        self.calls += 1
        fault = self._fault("calls", "outage")
        if fault is not None:
            return _broken(fault)
        now = self.stage.now
        for key, units in needs.items():
            room = self.truth[key].room(now)
            if room is not None and units > room:
                return Reply("refused", key, self._retry_after(key))
        for key, units in needs.items():
            self.spend(key, units)
        return Reply("ok", seen=self.numbers(now)) if self.terms.headers else _OK

    def done(self, needs: Mapping[str, int]) -> None:
        """The work of a call is over: parallel slots come back."""
        for key, units in needs.items():
            self.truth[key].release(units, self.stage.now)

    def spend(self, key: str, units: int) -> None:
        """Count units, whatever the limit."""
        now = self.stage.now
        self.truth[key].count(units, now)
        if self.terms.lag:
            self.stage.after(self.terms.lag, lambda: self._tell_late(key, units, now))

    def _tell_late(self, key: str, units: int, at: Micros) -> None:
        meter, now = self.told[key], self.stage.now
        if isinstance(meter, PeriodMeter):
            meter.count_late(units, at, now)
        else:
            meter.count(units, now)

    def _retry_after(self, key: str) -> Micros | None:
        reset_at = self.truth[key].reset_at(self.stage.now)
        return None if reset_at is None else max(0, reset_at - self.stage.now)

    # --- what it tells ------------------------------------------------------------------------

    def poll_latency(self) -> Micros | None:
        """How long a poll that is sent now takes; None = it never answers."""
        fault = self._fault("polls", "outage")
        if fault is not None:
            return None if fault.status == "timeout" else self.terms.latency
        slow = self._fault("polls", "slow_polls")
        return self.terms.latency if slow is None else slow.latency

    def poll_failure(self) -> ProviderFailed | None:
        """How a poll that is sent now fails, if it does."""
        fault = self._fault("polls", "outage")
        if fault is None or fault.status == "timeout":
            return None
        kind = "rate_limited" if fault.status == "429" else "server_error"
        wait = None if fault.retry_after is None else to_seconds(fault.retry_after)
        return ProviderFailed(kind, f"status {fault.status}", wait)

    def numbers(self, dated: Micros) -> tuple[Observation, ...]:
        """Limit, use and reset of every pool, as the provider knows them now."""
        now = self.stage.now
        return tuple(self._number(key, pool, dated, now) for key, pool in self.pools.items())

    def _number(self, key: str, pool: PoolTerms, dated: Micros, now: Micros) -> Observation:
        meter = self.told[key]
        provider_id, pool_id = split_pool_key(key)
        every = pool.window.every
        counts = pool.window.kind != "concurrency" and not self.terms.silent
        return Observation(
            provider_id,
            pool_id,
            dated,
            limit=pool.limit,
            used=meter.used(now) if counts else None,
            reset_at=meter.reset_at(now),
            window_every=every if pool.window.kind == "fixed" else None,
        )

    def declared(self) -> tuple[Pool, ...]:
        """The pools as the daemon knows them before the first poll."""
        members = (self.terms.identity,) if self.terms.identity else ()
        return tuple(
            Pool(
                *split_pool_key(pool.id),
                unit=pool.unit,
                limit=pool.limit,
                window=pool.window,
                members=members,
                default=pool.default,
            )
            for pool in self.pools.values()
        )

    def _fault(self, on: str, kind: str) -> FaultTerms | None:
        now = self.stage.now - self.stage.start
        for fault in self._faults:
            if (
                fault.kind == kind
                and fault.on in (on, "both")
                and fault.at <= now < fault.at + fault.duration
            ):
                return fault
        return None


def _broken(fault: FaultTerms) -> Reply:
    if fault.status == "429":
        return Reply("refused", "", fault.retry_after)
    return Reply("timeout" if fault.status == "timeout" else "failed", "", fault.retry_after)
