"""The database itself refuses what would change history."""

import sqlite3
from itertools import pairwise

import pytest

from ratelord_core.store import EventQuery
from ratelord_core.testing.records import Scribe
from ratelord_sql.plugin import SqliteStores

DAY = Scribe().day(4)
NEWEST = len(DAY)
INSERT = "INSERT INTO events VALUES (?, x'01', 'system_stopped', ?, x'', x'5b5d', x'', x'02', NULL)"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "events.db"
    store = SqliteStores().open_events(path)
    store.append(DAY)
    store.close()
    return path


@pytest.fixture
def attacker(path):
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def redact(connection, place, **changes):
    """The update by which an event would be blanked, as a transaction of a store would send it."""
    values = {"body": b"[]", "salt": b"", "digest": b"d" * 32} | changes
    columns = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"UPDATE events SET {columns} WHERE seq = {place}", tuple(values.values()))


@pytest.mark.parametrize("column", ["seq", "event_id", "event_type", "ts_ingest", "correlation_id"])
def test_no_column_can_be_updated(attacker, column):
    with pytest.raises(sqlite3.IntegrityError, match="events never change"):
        attacker.execute(f"UPDATE events SET {column} = 99 WHERE seq = 3")


@pytest.mark.parametrize("column", ["body", "salt", "chain", "digest"])
def test_no_bytes_can_be_updated(attacker, column):
    with pytest.raises(sqlite3.IntegrityError, match="events never change"):
        attacker.execute(f"UPDATE OR REPLACE events SET {column} = x'00' WHERE seq = 3")


@pytest.mark.parametrize("which", ["seq = 3", "seq = 1", f"seq = {NEWEST}", "1"])
def test_nothing_can_be_deleted(attacker, which):
    with pytest.raises(sqlite3.IntegrityError, match="events stay"):
        attacker.execute(f"DELETE FROM events WHERE {which}")


@pytest.mark.parametrize("seq", [None, -1, 0, 1, NEWEST, NEWEST + 2])
@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE"])
def test_an_insert_that_leaves_a_gap_or_replaces_is_refused(attacker, seq, verb):
    with pytest.raises(sqlite3.IntegrityError, match="appended without gaps"):
        attacker.execute(INSERT.replace("INSERT", verb, 1), (seq, DAY[-1].ts_ingest))


def test_an_insert_that_follows_is_taken(attacker):
    attacker.execute(INSERT, (NEWEST + 1, DAY[-1].ts_ingest))


def test_a_redaction_may_blank_body_and_salt_and_keeps_everything_else(attacker, path):
    attacker.execute("BEGIN")
    attacker.execute("INSERT INTO permit VALUES ('redact')")
    redact(attacker, 3, digest=DAY[2].proof())
    attacker.execute("DELETE FROM permit")
    attacker.execute("COMMIT")
    store = SqliteStores().open_events(path)
    (redacted,) = store.read(EventQuery(after=2, limit=1))
    store.close()
    assert (redacted.body, redacted.salt) == (b"[]", b"")
    assert (redacted.proof(), redacted.chain) == (DAY[2].proof(), DAY[2].chain)


@pytest.mark.parametrize(
    "changes",
    [
        {"chain": b"c" * 32},
        {"seq": 99},
        {"event_type": "other"},
        {"event_id": b"i"},
        {"ts_ingest": 1},
        {"correlation_id": b"c" * 16},
        {"salt": b"s"},
        {"digest": None},
        {"digest": b"short"},
    ],
)
def test_a_redaction_may_do_no_more(attacker, changes):
    attacker.execute("BEGIN")
    attacker.execute("INSERT INTO permit VALUES ('redact')")
    with pytest.raises(sqlite3.IntegrityError, match="events never change"):
        redact(attacker, 3, **changes)


def test_the_digest_of_a_redacted_event_is_fixed(attacker):
    attacker.execute("INSERT INTO permit VALUES ('redact')")
    redact(attacker, 3)
    with pytest.raises(sqlite3.IntegrityError, match="events never change"):
        redact(attacker, 3, digest=b"e" * 32)


def test_pruning_deletes_the_oldest_events_only(attacker):
    attacker.execute("INSERT INTO permit VALUES ('prune')")
    with pytest.raises(sqlite3.IntegrityError, match="events stay"):
        attacker.execute("DELETE FROM events WHERE seq BETWEEN 2 AND 5")
    attacker.execute("DELETE FROM events WHERE seq <= 5")
    assert attacker.execute("SELECT min(seq) FROM events").fetchone() == (6,)


def test_pruning_never_deletes_the_newest_event(attacker):
    attacker.execute("INSERT INTO permit VALUES ('prune')")
    with pytest.raises(sqlite3.IntegrityError, match="events stay"):
        attacker.execute("DELETE FROM events")
    assert attacker.execute("SELECT count(*) FROM events").fetchone() == (NEWEST,)


def test_a_pruned_log_still_answers(attacker, path):
    attacker.execute("BEGIN")
    attacker.execute("INSERT INTO permit VALUES ('prune')")
    attacker.execute("DELETE FROM events WHERE seq <= 7")
    attacker.execute("DELETE FROM permit")
    attacker.execute("COMMIT")
    store = SqliteStores().open_events(path)
    try:
        assert list(store.read(EventQuery())) == DAY[7:]
        assert list(store.read(EventQuery(since=DAY[8].ts_ingest))) == DAY[8:]
        assert store.find(DAY[10].event_id) == DAY[10]
        assert store.find(DAY[2].event_id) is None
        scribe = Scribe()
        store.append(scribe.day(5)[NEWEST : NEWEST + 2])
        seqs = [record.seq for record in store.read(EventQuery())]
        assert all(later == sooner + 1 for sooner, later in pairwise(seqs))
    finally:
        store.close()


def test_a_permit_that_was_left_behind_is_void_after_the_next_start(attacker, path):
    attacker.execute("INSERT INTO permit VALUES ('prune')")
    SqliteStores().open_events(path).close()
    with pytest.raises(sqlite3.IntegrityError, match="events stay"):
        attacker.execute("DELETE FROM events WHERE seq = 1")
