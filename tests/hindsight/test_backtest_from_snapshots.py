"""A replay that begins at a daemon's snapshot tells what one from the first event on tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ratelord_core import plugins
from ratelord_core.clock import SteppedClock
from ratelord_core.daemon.snapshots import Snapshots
from ratelord_core.hindsight.backtest import Terms, backtest
from ratelord_core.hindsight.starting import from_snapshot
from ratelord_core.store import EventStore, SnapshotStore

LINEAR = "settings: {forecast_model: linear}\n"
WORLD = """\
providers: {mock: [{id: m, pools: {t: {limit: 300, unit: tokens, window: {kind: fixed, every: 1m}}}}]}
workloads: {chat: {consumes: {m/t: 10}}}
"""
CAP = """\
policies:
  - {id: cap, limit: {amount: 5, unit: calls, window: {kind: fixed, every: 1m}}}
"""


@pytest.fixture
def kept(tmp_path: Path) -> SnapshotStore:
    stores = plugins.load().named("ratelord_register_stores")
    found: SnapshotStore = stores["sqlite"].open_snapshots(tmp_path / "ratelord.db")
    return found


def _ask(past: Any, questions: int) -> None:
    for number in range(questions):
        answer = past.ask("chat", agent_id=f"agent-{number % 3}", max_wait=30)
        past.pass_time(1)
        if answer.allowed and number % 2:
            past.report(answer.intent_id)
        if number % 10 == 5:
            past.observe("m/t", used=past.figures("m/t").used + 3)


def _keep(past: Any, kept: SnapshotStore) -> int:
    """A snapshot of the state as it is; after which event."""
    snapshots = Snapshots(past.store, kept, past.parts.blank("linear"), SteppedClock())
    head = past.store.head()
    taken = snapshots.offer(past.replayed(), head)
    past.engine.write(past.now, taken)
    past.pass_time(0)
    snapshots.adopt(taken)
    return int(head.seq)


class Counting:
    """A log that counts what is read of it as a whole."""

    def __init__(self, log: EventStore) -> None:
        self._log, self.read_after = log, list[int]()

    def read(self, query: Any) -> Any:
        if not query.types and query.limit is None:
            self.read_after.append(query.after)
        return self._log.read(query)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def test_a_snapshot_spares_what_came_before_and_changes_nothing(
    begin: Callable[..., Any], kept: SnapshotStore
) -> None:
    past = begin(LINEAR + WORLD)
    _ask(past, 40)
    seq = _keep(past, kept)
    past.pass_time(1)
    since = past.now
    _ask(past, 40)
    stack = past.parts.policy(LINEAR + WORLD + CAP, "new.yaml")
    log, terms = Counting(past.store), Terms(since=since)

    whole = backtest(past.store, stack, past.parts, terms)
    sooner = backtest(log, stack, past.parts, terms, kept=kept)

    assert sooner == whole
    assert whole["questions"] == 40
    assert whole["changed"] > 5
    assert seq in log.read_after
    assert 0 not in log.read_after


def test_a_snapshot_is_not_used_for_what_came_before_it_nor_for_other_forecasts_nor_in_doubt(
    begin: Callable[..., Any], kept: SnapshotStore
) -> None:
    past = begin(LINEAR + WORLD)
    _ask(past, 4)
    seq = _keep(past, kept)

    def begun(model: str, before: int) -> int:
        return from_snapshot(past.store, kept, past.parts, model, "networkx", before).seq

    assert begun("linear", seq + 1) == seq
    assert begun("linear", seq) == 0
    assert begun("ensemble", seq + 1) == 0

    snapshot = kept.load()
    assert snapshot is not None
    kept.offer(msgspec.structs.replace(snapshot, chain=bytes(32)))
    kept.adopt()
    assert begun("linear", seq + 1) == 0
