"""Reading goes the short way: no scan of the log for what an index or a bisection can find."""

import pytest
from sqlalchemy import event

from ratelord_core.store import EventQuery
from ratelord_core.testing.records import Scribe, batches
from ratelord_sql.plugin import SqliteStores

ROUNDS = 3000
LOG = Scribe().day(ROUNDS)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = SqliteStores().open_events(tmp_path_factory.mktemp("log") / "events.db")
    for batch in batches(LOG, 128):
        store.append(batch)
    yield store
    store.close()


@pytest.fixture
def plans(store):
    """How SQLite goes about each statement, as it says itself."""
    seen = []

    def explain(connection, cursor, statement, parameters, context, many):
        if not statement.startswith("EXPLAIN"):
            rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            seen.extend(row[3] for row in rows)

    event.listen(store._readers, "before_cursor_execute", explain)
    yield seen
    event.remove(store._readers, "before_cursor_execute", explain)


def test_rare_types_are_read_along_their_index(store, plans):
    found = list(store.read(EventQuery(types=("drift_detected", "system_started"))))
    assert [record.event_type for record in found] == ["drift_detected"] * (ROUNDS // 3)
    assert sum("events_by_type (event_type=?" in plan for plan in plans) >= 2


def test_a_correlation_is_read_along_its_index(store, plans):
    asked = next(record for record in LOG[9000:] if record.event_type == "intent_submitted")
    found = list(store.read(EventQuery(correlation_id=asked.event_id)))
    assert {record.correlation_id for record in found} == {asked.event_id}
    assert any("events_by_correlation (correlation_id=?" in plan for plan in plans)


def test_instants_and_ids_are_found_by_bisection(store, plans):
    middle = LOG[len(LOG) // 2]
    assert store.find(middle.event_id) == middle
    first = next(iter(store.read(EventQuery(since=middle.ts_ingest))))
    assert first.ts_ingest == middle.ts_ingest
    scans = [plan for plan in plans if "INTEGER PRIMARY KEY" not in plan]
    assert set(scans) <= {"SEARCH events", "SCAN events"}  # a lone min, max or newest row


def test_a_reader_fetches_chunk_by_chunk(store, plans):
    reader = store.read(EventQuery())
    next(reader)
    early = len(plans)
    assert early <= 3
    assert sum(1 for _ in reader) == len(LOG) - 1
    assert len(plans) - early >= len(LOG) // 2000


def test_chunks_of_every_size_join_without_a_gap_in_either_direction(store):
    assert list(store.read(EventQuery())) == LOG
    assert list(store.read(EventQuery(newest_first=True))) == LOG[::-1]
    some = EventQuery(types=("intent_decided",), newest_first=True, limit=1700)
    decided = [record for record in LOG[::-1] if record.event_type == "intent_decided"]
    assert list(store.read(some)) == decided[:1700]


def test_a_reader_that_stops_halfway_holds_nothing_back(store):
    reader = store.read(EventQuery())
    for _ in range(700):
        next(reader)
    assert store._readers.pool.checkedout() == 0
    reader.close()


def test_both_events_of_a_decision_fit_into_500_bytes_beside_their_bodies(tmp_path):
    scribe, path = Scribe(), tmp_path / "events.db"
    store = SqliteStores().open_events(path)
    before = path.stat().st_size
    decisions = [scribe.decision() for _ in range(2000)]
    for at in range(0, 2000, 64):
        store.append([record for pair in decisions[at : at + 64] for record in pair])
    store.close()
    bodies = sum(len(record.body) for pair in decisions for record in pair) / 2000
    each = (path.stat().st_size - before) / 2000
    assert each - bodies < 270
