"""A simulated account: reports what its counters say, and fails when it is scheduled to."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
import msgspec

from ratelord_core.clock import Clock
from ratelord_core.errors import InvalidRequest, NotFound
from ratelord_core.headers import read_x_ratelimit
from ratelord_core.model.instant import SECOND, Micros, to_seconds
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import MAX_UNITS, Pool
from ratelord_core.provider import PollRequest, PollResult
from ratelord_mock.boundaries import period
from ratelord_mock.counting import Count, advance, begin
from ratelord_mock.faults import HANG, SLOW, Fault, chance
from ratelord_mock.lies import LIES, tell
from ratelord_mock.options import MockOptions

_AFTER_RESET: Micros = SECOND // 1000
"""How long after a reset the poll is made that sees it."""


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """What survives restarts: when the simulation started, its polls so far, its counters."""

    started: Micros
    polls: int = 0
    counts: dict[str, Count] = {}


class MockProvider:
    """One simulated account. Implements ``Provider`` and ``Injectable``."""

    def __init__(self, provider_id: str, options: MockOptions, clock: Clock) -> None:
        self.provider_id = provider_id
        self.poll_interval = options.poll_interval
        self._options = options
        self._clock = clock
        self._seed = f"{options.seed}:{provider_id}"
        self._tries = 0
        self._injected: dict[str, tuple[int | None, int | None]] = {}

    @property
    def clock_ahead(self) -> Micros:
        """By how much (µs) the simulated clock is ahead of ours; resets are told by ours."""
        return self._options.clock_ahead

    def pools(self) -> tuple[Pool, ...]:
        """The configured pools, complete with limit."""
        return tuple(simulated.pool for simulated in self._options.pools)

    def inject(self, pool_id: str, usage: int | None, limit: int | None) -> None:
        """From the next poll on, report this usage and limit; None leaves what is."""
        known = [pool.pool_id for pool in self.pools()]
        if pool_id not in known:
            raise NotFound(
                f"provider {self.provider_id} has no pool {pool_id!r}; it has {', '.join(known)}"
            )
        for name, value in (("usage", usage), ("limit", limit)):
            if value is not None and not 0 <= value <= MAX_UNITS:
                raise InvalidRequest(f"{name} is {value}; give a whole number from 0 to 2^53-1")
        before_usage, before_limit = self._injected.get(pool_id, (None, None))
        self._injected[pool_id] = (
            before_usage if usage is None else usage,
            before_limit if limit is None else limit,
        )

    async def poll(self, request: PollRequest) -> PollResult:
        """Report every pool's limit and reset, and the use of those that count."""
        now = self._clock.now()
        memory = _recall(request.state, now)
        self._tries = max(self._tries, memory.polls) + 1
        number = self._tries
        fault = self._options.faults.of(number, self._seed)
        await self._respond(number, fault)
        counts = {
            pool.pool_id: self._count(pool, used, memory, request.settled.get(pool.pool_id, 0), now)
            for pool, used in self._options.pools
        }
        self._injected.clear()
        observations = tuple(
            self._observe(pool, counts[pool.pool_id], memory.started, now) for pool in self.pools()
        )
        kept = {name: count for name, count in counts.items() if _worth_keeping(count)}
        state = msgspec.json.encode(Memory(memory.started, number, kept), order="deterministic")
        told = PollResult(now, observations, state.decode(), self._sooner(observations))
        if fault is None or fault.kind not in LIES:
            return told
        return tell(told, fault.kind, number - fault.first + 1)

    def read_headers(self, headers: Mapping[str, str], dated: Micros) -> tuple[Observation, ...]:
        """The ``x-ratelimit-*`` dialect; the resource names the pool, else it is the only one."""
        found = read_x_ratelimit(headers, dated)
        known = [pool.pool_id for pool in self.pools()]
        if found is None or (not found.resource and len(known) != 1):
            return ()
        pool_id = found.resource or known[0]
        if pool_id not in known:
            return ()
        return (
            Observation(
                self.provider_id,
                pool_id,
                dated,
                limit=found.limit,
                used=found.used,
                remaining=found.remaining,
                reset_at=found.reset_at,
            ),
        )

    async def aclose(self) -> None:
        """There is nothing to give up."""

    async def _respond(self, number: int, fault: Fault | None) -> None:
        """Take the configured time, then fail if this poll is to fail."""
        extra = int(self._options.jitter * chance(f"{self._seed}:latency:{number}"))
        if self._options.latency + extra:
            await anyio.sleep(to_seconds(self._options.latency + extra))
        if fault is None or fault.kind in LIES:
            return
        if fault.kind == HANG:
            await anyio.sleep_forever()
        if fault.kind != SLOW:
            raise fault.error(number)
        await anyio.sleep(to_seconds(fault.takes))

    def _count(
        self, pool: Pool, seeded: int | None, memory: Memory, settled: int, now: Micros
    ) -> Count:
        """A pool's count as of now: the seed at first, an injection if there is one, else what the
        last count became."""
        last = memory.counts.get(pool.pool_id) or begin(pool.window, seeded, settled, now)
        limit = pool.limit if last.limit is None else last.limit
        count = advance(last, pool.window, limit, settled=settled, started=memory.started, now=now)
        usage, injected_limit = self._injected.get(pool.pool_id, (None, None))
        if usage is not None:
            count = begin(pool.window, usage, settled, now)
        limit = last.limit if injected_limit is None else injected_limit
        return msgspec.structs.replace(count, limit=limit)

    def _observe(self, pool: Pool, count: Count, started: Micros, now: Micros) -> Observation:
        _, reset_at = period(pool.window, started, now)
        return Observation(
            self.provider_id,
            pool.pool_id,
            now,
            limit=pool.limit if count.limit is None else count.limit,
            used=count.used,
            reset_at=reset_at,
            window_every=pool.window.every,
            unit=pool.unit,
        )

    def _sooner(self, observations: tuple[Observation, ...]) -> Micros | None:
        """When a reset comes before the next poll might: the span until just after it."""
        now = self._clock.now()
        resets = [seen.reset_at for seen in observations if seen.reset_at is not None]
        spans = [max(0, reset - now) + _AFTER_RESET for reset in resets]
        soon = self.poll_interval + self.poll_interval // 10  # a poll may come that much late
        return min(spans) if spans and min(spans) < soon else None


def _recall(state: str, now: Micros) -> Memory:
    """What the state says; one that cannot be read, or is from the future, starts anew."""
    try:
        memory = msgspec.json.decode(state, type=Memory)
    except msgspec.DecodeError:
        return Memory(started=now)
    newest = max([memory.started, *(count.at for count in memory.counts.values())])
    return memory if newest <= now else Memory(started=now)


def _worth_keeping(count: Count) -> bool:
    return count.used is not None or count.limit is not None
