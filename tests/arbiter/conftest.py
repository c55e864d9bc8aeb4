"""An arbiter as a daemon has it, without the doors: real engine, real journal, a real file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import uvloop

from ratelord_core import plugins
from ratelord_core.clock import SeededEntropy, SteppedClock
from ratelord_core.daemon.recovery import Recovery
from ratelord_core.engine import Engine, State
from ratelord_core.events.codec import Sealer
from ratelord_core.events.record import Record
from ratelord_core.journal import Journal
from ratelord_core.local_arbiter import LocalArbiter
from ratelord_core.policy.stack import PolicyStack, load
from ratelord_core.replay import Blank, replay
from ratelord_core.store import EventQuery, EventStore, Head
from ratelord_core.surroundings import Surroundings
from ratelord_sql.plugin import SqliteStores

POLICY = """
pools:
  - {id: team/requests, limit: 100, window: {kind: fixed, every: 60s}}
  - {id: team/tokens, unit: tokens, limit: 5000, window: {kind: bucket, every: 10s}}
  - {id: team/rate, limit: 50, window: {kind: sliding, every: 5s}}
  - {id: team/parallel, limit: 10, window: {kind: concurrency}}
workloads: {chat: {consumes: {team/tokens: 50}}}
"""


class GatedStore:
    """A store whose disk can be told to hesitate, or to refuse."""

    def __init__(self, inner: EventStore) -> None:
        self._inner = inner
        self._gate = threading.Event()
        self._gate.set()
        self.trouble: Exception | None = None
        """What every write meets, as long as it is set."""

    def hesitate(self) -> None:
        """Writes wait until ``go_on``."""
        self._gate.clear()

    def go_on(self) -> None:
        """Writes that wait, and later ones, are made."""
        self._gate.set()

    def append(self, records: Sequence[Record]) -> None:
        assert self._gate.wait(20)
        if self.trouble is not None:
            raise self.trouble
        self._inner.append(records)

    def head(self) -> Head:
        return self._inner.head()

    def read(self, query: EventQuery) -> Iterator[Record]:
        return self._inner.read(query)

    def find(self, event_id: bytes) -> Record | None:
        return self._inner.find(event_id)

    def checkpoint_lag(self) -> int:
        return self._inner.checkpoint_lag()

    def close(self) -> None:
        self._inner.close()


class House:
    """One life of an arbiter on a file; ``again`` is the next life on the same file."""

    def __init__(self, path: Path, clock: SteppedClock, policy: str = POLICY) -> None:
        self.path, self.clock, self.text = path, clock, policy
        loaded = plugins.load()
        self._actions = loaded.named("ratelord_register_policy_actions")
        models = loaded.named("ratelord_register_forecast_models", "model_id")
        self._blank = Blank(loaded.named("ratelord_register_graphs")["networkx"], models["linear"])
        self.store = GatedStore(SqliteStores().open_events(path))
        head = self.store.head()
        clock.move_to(head.ts_ingest)
        sealer = Sealer(SeededEntropy(head.seq + 1), seq=head.seq, chain=head.chain)
        self.recovery = Recovery(self.store, self.rebuilt)
        self.journal = Journal(self.store, sealer, clock, on_failure=self.recovery.begin)
        stack = self._read()
        engine = Engine(self.rebuilt(), stack, SeededEntropy(head.seq))
        self.arbiter = LocalArbiter(engine, self.journal, self.store, clock, self._around())
        self.recovery.serve(self.arbiter, lambda: self._apply(self.arbiter.engine.policy))

    def _read(self) -> PolicyStack:
        return load(self.text, "policy.yaml", self._actions, frozenset())

    def _around(self) -> Surroundings:
        return Surroundings(
            read_policy=self._read,
            check_policy=lambda text, source: load(text, source, self._actions, frozenset()),
            apply_policy=self._apply,
            read_headers=lambda account, headers, dated: None,
            inject=lambda provider, pool, usage, limit: None,
            provider_health=dict,
            identity_changed=self._nothing,
            metrics=str,
        )

    async def _nothing(self, _: Any) -> None:
        return

    async def _apply(self, stack: PolicyStack) -> None:
        self.arbiter.engine.configure(stack, stack.document.pools, self.clock.now())

    async def open(self) -> LocalArbiter:
        """Begin to answer."""
        self.journal.start()
        await self._apply(self.arbiter.engine.policy)
        await self.arbiter.flush()
        self.arbiter.phase = "running"
        return self.arbiter

    async def close(self) -> None:
        """End in good order."""
        self.recovery.cancel()
        await self.journal.close()
        self.store.close()

    def again(self) -> House:
        """The next life; this one must have been closed."""
        return House(self.path, self.clock, self.text)

    def records(self) -> list[Record]:
        """The log."""
        return list(self.store.read(EventQuery()))

    def rebuilt(self) -> State:
        """The state that the log alone gives."""
        return replay(self.store.read(EventQuery()), self._blank.state())

    def pictures(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The state in force and the one that the log gives, at this instant."""
        now = self.clock.now()
        return self.arbiter.engine.state.picture(now), self.rebuilt().picture(now)

    def count(self, kind: str) -> int:
        """How many events of a type are in the log."""
        return sum(record.event_type == kind for record in self.records())


@pytest.fixture
def run() -> Callable[..., Any]:
    """Run a coroutine on the loop that the daemon runs on."""
    return uvloop.run


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A first life on an empty file."""
    return House(tmp_path / "events.db", SteppedClock())


@pytest.fixture
def first_life() -> Callable[[Path], House]:
    """A first life on an empty file in that folder."""
    return lambda folder: House(folder / "events.db", SteppedClock())
