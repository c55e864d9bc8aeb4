"""An append in two steps: staged in memory where nobody may wait, then committed to the disk."""

import sqlite3
from contextlib import closing

import msgspec
import pytest

from ratelord_core.errors import StoreError
from ratelord_core.store import EventQuery, StagingEventStore
from ratelord_core.testing.records import Scribe
from ratelord_sql.plugin import SqliteStores

DAY = Scribe().day(200)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


@pytest.fixture
def store(path):
    with closing(SqliteStores().open_events(path)) as store:
        yield store


@pytest.fixture
def beside(store, path):
    """Somebody who only reads."""
    with closing(SqliteStores().open_events(path, exclusive=False)) as beside:
        yield beside


def test_the_store_takes_an_append_in_two_steps(store):
    assert isinstance(store, StagingEventStore)


def test_what_is_staged_is_seen_by_nobody_until_it_is_committed(store, beside):
    assert store.stage(DAY) is True
    assert list(beside.read(EventQuery())) == []
    store.commit()
    assert list(beside.read(EventQuery())) == DAY


def test_both_ways_of_appending_follow_each_other(store, beside):
    store.append(DAY[:10])
    assert store.stage(DAY[10:20])
    store.commit()
    store.append(DAY[20:])
    assert list(beside.read(EventQuery())) == DAY


def test_what_is_staged_and_not_committed_is_gone_with_the_process(store, path):
    store.append(DAY[:10])
    store.stage(DAY[10:])
    store.close()
    with closing(SqliteStores().open_events(path)) as again:
        assert again.head().seq == 10


def test_staging_does_not_wait_for_another_program_that_writes(store, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as intruder:
        intruder.execute("BEGIN IMMEDIATE")
        assert store.stage(DAY) is False
        intruder.execute("ROLLBACK")
    assert store.stage(DAY) is True
    store.commit()


@pytest.mark.parametrize("steps", [(20, 30), (0, 9), (11, 30)], ids=["later", "again", "a gap"])
def test_what_does_not_follow_is_not_staged(store, beside, steps):
    store.append(DAY[:10])
    with pytest.raises(StoreError, match="does not follow"):
        store.stage(DAY[slice(*steps)])
    assert store.stage(DAY[10:])
    store.commit()
    assert list(beside.read(EventQuery())) == DAY


def test_a_refusal_in_the_middle_leaves_nothing_staged(store, beside):
    torn = msgspec.structs.replace(DAY[15], event_type=None)
    with pytest.raises(StoreError, match="cannot write"):
        store.stage([*DAY[:15], torn])
    with pytest.raises(StoreError, match="nothing is staged"):
        store.commit()
    store.append(DAY)
    assert list(beside.read(EventQuery())) == DAY


def test_who_only_reads_stages_nothing(beside):
    with pytest.raises(StoreError, match="reading only"):
        beside.stage(DAY)
    with pytest.raises(StoreError, match="nothing is staged"):
        beside.commit()
