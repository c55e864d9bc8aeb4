"""A living arbiter without a daemon: real engine and journal, a log in memory, a clock to turn.

For tests of doors, and for authors of what stands behind one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ratelord_core import plugins
from ratelord_core.clock import SeededEntropy, SteppedClock
from ratelord_core.engine import Engine
from ratelord_core.events.codec import Sealer
from ratelord_core.events.record import GENESIS
from ratelord_core.journal import Journal
from ratelord_core.local_arbiter import LocalArbiter
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.policy.stack import PolicyStack, load
from ratelord_core.replay import Blank
from ratelord_core.surroundings import Surroundings
from ratelord_core.testing.memory_store import MemoryEventStore


class LivingArbiter:
    """Answers as a daemon's arbiter does. Use ``living`` to have one that is open."""

    def __init__(self, policy: str) -> None:
        loaded = plugins.load()
        self.text = policy
        self.clock = SteppedClock()
        self.store = MemoryEventStore()
        self._actions = loaded.actions()
        self._functions = loaded.named("ratelord_register_condition_functions").values()
        models = loaded.named("ratelord_register_forecast_models", "model_id")
        blank = Blank(
            loaded.named("ratelord_register_graphs")["networkx"],
            models["linear"],
            loaded.controllers(),
        )
        sealer = Sealer(SeededEntropy(1), seq=0, chain=GENESIS)
        self._journal = Journal(self.store, sealer, self.clock, on_failure=None)
        engine = Engine(blank.state(), self._read(), SeededEntropy(2))
        self.arbiter = LocalArbiter(engine, self._journal, self.store, self.clock, self._around())

    def _read(self) -> PolicyStack:
        return self._check(self.text, "policy.yaml")

    def _check(self, text: str, source: str) -> PolicyStack:
        return load(text, source, self._actions, frozenset(), functions=self._functions)

    def _around(self) -> Surroundings:
        return Surroundings(
            read_policy=self._read,
            check_policy=self._check,
            apply_policy=self._apply,
            read_headers=_no_headers,
            inject=lambda _provider, _pool, _usage, _limit: None,
            provider_health=dict,
            identity_changed=_no_accounts,
            metrics=str,
        )

    async def _apply(self, stack: PolicyStack) -> None:
        self.arbiter.engine.configure(stack, stack.document.pools, self.clock.now())

    async def open(self) -> None:
        """Begin to answer."""
        self._journal.start()
        await self._apply(self.arbiter.engine.policy)
        await self.arbiter.flush()
        self.arbiter.phase = "running"

    async def close(self) -> None:
        """End in good order."""
        await self._journal.close()

    async def pass_time(self, seconds: float) -> None:
        """Move on, and let the arbiter notice."""
        self.clock.advance(int(seconds * SECOND))
        await self.notice()

    async def notice(self) -> None:
        """What the daemon does four times a second: look around, and write down what it saw."""
        self.arbiter.engine.lookout.look(self.clock.now())
        await self.arbiter.flush()


@asynccontextmanager
async def living(policy: str) -> AsyncIterator[LivingArbiter]:
    """An arbiter that is open for the time of the block."""
    alive = LivingArbiter(policy)
    await alive.open()
    try:
        yield alive
    finally:
        await alive.close()


def _no_headers(
    _account: str, _headers: Mapping[str, str], _dated: Micros
) -> tuple[Observation, ...] | None:
    return None


async def _no_accounts(_identity: Identity) -> Any:
    return None
