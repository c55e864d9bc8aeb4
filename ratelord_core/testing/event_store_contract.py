"""What every event store must do. Inherit, say how yours is made, and pytest runs the rest.

    class TestMyStore(EventStoreContract):
        @pytest.fixture
        def stores(self):
            return MyStoreFactory()

Every test gets a log of its own in ``tmp_path``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from ratelord_core.errors import StoreError, StoreLocked
from ratelord_core.events.payloads import SystemStopped
from ratelord_core.events.record import Record
from ratelord_core.store import EventQuery, EventStore, Head, StoreFactory
from ratelord_core.testing.memory_store import matches
from ratelord_core.testing.records import Scribe, batches

DAY = Scribe().day(40)
"""The log that most of the contract is about."""
FIRST, MIDDLE, LAST = DAY[0], DAY[len(DAY) // 2], DAY[-1]
QUERIES = (
    EventQuery(),
    EventQuery(after=MIDDLE.seq),
    EventQuery(after=LAST.seq),
    EventQuery(before=MIDDLE.seq),
    EventQuery(before=1),
    EventQuery(after=10, before=20),
    EventQuery(after=20, before=10),
    EventQuery(since=MIDDLE.ts_ingest),
    EventQuery(since=MIDDLE.ts_ingest + 1),
    EventQuery(until=MIDDLE.ts_ingest),
    EventQuery(until=MIDDLE.ts_ingest + 1),
    EventQuery(since=DAY[10].ts_ingest, until=MIDDLE.ts_ingest),
    EventQuery(since=LAST.ts_ingest + 1),
    EventQuery(until=FIRST.ts_ingest),
    EventQuery(types=("intent_decided",)),
    EventQuery(types=("drift_detected",)),
    EventQuery(types=("drift_detected", "intent_reported")),
    EventQuery(types=("drift_detected", "system_started")),
    EventQuery(types=("of_a_newer_peer",)),
    EventQuery(types=("drift_detected",), after=MIDDLE.seq, until=LAST.ts_ingest),
    EventQuery(correlation_id=DAY[2].event_id),
    EventQuery(correlation_id=DAY[2].event_id, types=("intent_reported",)),
    EventQuery(correlation_id=DAY[2].event_id, types=("intent_decided",)),
    EventQuery(correlation_id=DAY[2].event_id, types=("drift_detected",)),
    EventQuery(correlation_id=DAY[2].event_id, after=DAY[3].seq),
    EventQuery(correlation_id=DAY[2].event_id, before=DAY[3].seq),
    EventQuery(correlation_id=bytes(16)),
    EventQuery(correlation_id=b""),
    EventQuery(correlation_id=b"", types=("drift_detected",)),
)


class EventStoreContract:
    """The contract. The heir adds the fixture ``stores``: a fresh ``StoreFactory`` whose logs
    outlive the stores that are opened on them."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        """Where the log lies."""
        return tmp_path / "events.db"

    @pytest.fixture
    def store(self, stores: StoreFactory, place: Path) -> Iterator[EventStore]:
        """An empty log, open for writing."""
        opened = stores.open_events(place)
        yield opened
        opened.close()

    @pytest.fixture
    def full(self, store: EventStore) -> EventStore:
        """The log of ``DAY``, written in batches."""
        for batch in batches(DAY, 7):
            store.append(batch)
        return store

    def test_a_new_log_is_empty_and_begins_at_the_genesis(self, store: EventStore) -> None:
        assert store.head() == Head()
        assert list(store.read(EventQuery())) == []
        assert store.find(FIRST.event_id) is None

    def test_what_is_appended_is_read_back_as_it_was(self, full: EventStore) -> None:
        assert list(full.read(EventQuery())) == DAY

    def test_seq_has_no_gaps_and_begins_at_one(self, full: EventStore) -> None:
        assert [record.seq for record in full.read(EventQuery())] == list(range(1, len(DAY) + 1))

    def test_a_digest_that_was_kept_comes_back(self, store: EventStore) -> None:
        redacted = msgspec.structs.replace(FIRST, salt=b"", digest=FIRST.proof())
        store.append([redacted])
        assert list(store.read(EventQuery())) == [redacted]

    def test_appending_nothing_changes_nothing(self, full: EventStore) -> None:
        before = full.head()
        full.append([])
        assert full.head() == before

    @pytest.mark.parametrize(
        "spoil",
        [
            pytest.param(lambda good: good[1:], id="a gap before the batch"),
            pytest.param(lambda good: [good[0], good[2]], id="a gap inside"),
            pytest.param(lambda good: [good[0], good[0]], id="a repetition"),
            pytest.param(lambda good: [good[1], good[0]], id="the wrong order"),
            pytest.param(
                lambda good: [good[0], msgspec.structs.replace(good[1], ts_ingest=1)],
                id="time going backwards",
            ),
        ],
    )
    def test_a_batch_that_does_not_follow_is_refused_whole(
        self, store: EventStore, spoil: Callable[[list[Record]], list[Record]]
    ) -> None:
        store.append(DAY[:5])
        with pytest.raises(StoreError):
            store.append(spoil(DAY[5:8]))
        assert list(store.read(EventQuery())) == DAY[:5]
        store.append(DAY[5:8])
        assert list(store.read(EventQuery())) == DAY[:8]

    def test_the_head_is_the_newest_record(self, full: EventStore) -> None:
        assert full.head() == Head(LAST.seq, LAST.chain, LAST.ts_ingest)

    def test_the_log_outlives_the_store(self, stores: StoreFactory, place: Path) -> None:
        first = stores.open_events(place)
        first.append(DAY[:30])
        first.close()
        second = stores.open_events(place)
        try:
            assert second.head() == Head(30, DAY[29].chain, DAY[29].ts_ingest)
            second.append(DAY[30:])
            assert list(second.read(EventQuery())) == DAY
        finally:
            second.close()

    @pytest.mark.parametrize("newest_first", [False, True])
    @pytest.mark.parametrize("limit", [None, 0, 1, 3])
    @pytest.mark.parametrize("query", QUERIES)
    def test_a_query_gives_what_matches_in_order(
        self, full: EventStore, query: EventQuery, newest_first: bool, limit: int | None
    ) -> None:
        wanted = [record for record in DAY if matches(record, query)]
        if newest_first:
            wanted.reverse()
        asked = msgspec.structs.replace(query, newest_first=newest_first, limit=limit)
        assert list(full.read(asked)) == wanted[:limit]

    def test_every_event_is_found_by_its_id(self, full: EventStore) -> None:
        assert [full.find(record.event_id) for record in DAY] == DAY

    def test_an_unknown_id_is_not_found(self, full: EventStore) -> None:
        other = MIDDLE.event_id[:-1] + bytes([MIDDLE.event_id[-1] ^ 1])
        assert full.find(other) is None
        assert full.find(bytes(16)) is None
        assert full.find(b"\xff" * 16) is None

    def test_an_event_written_late_is_found_too(self, store: EventStore) -> None:
        scribe = Scribe()
        early = scribe.draft(SystemStopped())
        scribe.clock.advance(59_000_000)
        records = [scribe.sealer.seal(early, scribe.clock.now())]
        store.append(records)
        assert store.find(early.event_id) == records[0]

    def test_a_reader_is_not_disturbed_by_appends(self, store: EventStore) -> None:
        store.append(DAY[:50])
        reader = store.read(EventQuery())
        seen = [next(reader)]
        store.append(DAY[50:])
        seen += reader
        assert seen == DAY[:50]

    def test_readers_in_other_threads_see_whole_batches_only(self, store: EventStore) -> None:
        wrong: list[Any] = []

        def look() -> None:
            for _ in range(20):
                seen = [record.seq for record in store.read(EventQuery())]
                if len(seen) % 10 or seen != list(range(1, len(seen) + 1)):
                    wrong.append(seen)

        lookers = [Thread(target=look) for _ in range(2)]
        for looker in lookers:
            looker.start()
        for batch in batches(DAY[:200], 10):
            store.append(batch)
        for looker in lookers:
            looker.join()
        assert wrong == []

    def test_a_long_log_is_read_whole_in_both_directions(self, store: EventStore) -> None:
        records = Scribe(seed=5).day(400)
        for batch in batches(records, 256):
            store.append(batch)
        backwards = list(store.read(EventQuery(newest_first=True)))
        assert list(store.read(EventQuery())) == records
        assert backwards == records[::-1]
        assert all(later.seq == sooner.seq + 1 for later, sooner in pairwise(backwards))

    def test_only_one_writer_may_hold_a_log(
        self, stores: StoreFactory, place: Path, full: EventStore
    ) -> None:
        with pytest.raises(StoreLocked):
            stores.open_events(place)
        full.close()
        stores.open_events(place).close()

    def test_a_log_can_be_read_beside_its_writer(
        self, stores: StoreFactory, place: Path, store: EventStore
    ) -> None:
        store.append(DAY[:20])
        beside = stores.open_events(place, exclusive=False)
        try:
            assert list(beside.read(EventQuery())) == DAY[:20]
            store.append(DAY[20:])
            assert list(beside.read(EventQuery())) == DAY
            with pytest.raises(StoreError):
                beside.append(DAY[:1])
        finally:
            beside.close()

    def test_reading_a_log_that_does_not_exist_is_refused(
        self, stores: StoreFactory, place: Path
    ) -> None:
        with pytest.raises(StoreError):
            stores.open_events(place, exclusive=False)

    def test_the_lag_is_a_count(self, full: EventStore) -> None:
        assert full.checkpoint_lag() >= 0

    def test_closing_twice_does_nothing_more(self, store: EventStore) -> None:
        store.close()
        store.close()
