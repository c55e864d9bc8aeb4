"""When the disk will not have it: nothing is half written, and the log goes on afterwards."""

import sqlite3
import subprocess
import sys
import textwrap

import msgspec
import pytest

from ratelord_core.errors import StoreCorrupt, StoreError
from ratelord_core.events.verify import verify
from ratelord_core.store import EventQuery
from ratelord_core.testing.records import Scribe, batches
from ratelord_sql.appending import MAX_ROWS
from ratelord_sql.plugin import SqliteStores

FULL_DISK = textwrap.dedent(
    """
    import pathlib, resource, sys
    from ratelord_core.errors import StoreError
    from ratelord_core.store import EventQuery
    from ratelord_core.testing.records import Scribe, batches
    from ratelord_sql.plugin import SqliteStores

    path = pathlib.Path(sys.argv[1])
    store = SqliteStores().open_events(path)
    todo = batches(Scribe().day(400), 64)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, unlimited[1]))
    written = 0
    try:
        for batch in todo:
            store.append(batch)
            written = batch[-1].seq
    except StoreError as error:
        print(error)
    else:
        sys.exit("the disk took everything")
    assert store.head().seq == written, (store.head(), written)
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    for batch in todo:
        if batch[0].seq > written:
            store.append(batch)
    store.close()
    """
)


def test_a_full_disk_is_an_error_and_no_event_is_lost_or_doubled(tmp_path):
    path = tmp_path / "events.db"
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert str(path) in run.stdout
    assert "free some space" in run.stdout
    assert run.stdout.count("\n") == 1
    store = SqliteStores().open_events(path)
    records = list(store.read(EventQuery()))
    store.close()
    assert records == Scribe().day(400)
    assert verify(records).intact


def test_a_log_that_another_program_locks_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("ratelord_sql.opening.BUSY_SECONDS", 0.01)
    path = tmp_path / "events.db"
    store = SqliteStores().open_events(path)
    intruder = sqlite3.connect(path, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    day = Scribe().day(1)
    with pytest.raises(StoreError, match="another program keeps it locked"):
        store.append(day)
    intruder.execute("ROLLBACK")
    intruder.close()
    store.append(day)
    assert list(store.read(EventQuery())) == day
    store.close()


@pytest.mark.parametrize("late", [12, 10 + MAX_ROWS + 1], ids=["in one statement", "in the next"])
def test_a_database_that_refuses_leaves_the_log_as_it_was(tmp_path, late):
    path = tmp_path / "events.db"
    store = SqliteStores().open_events(path)
    day = Scribe().day(40)
    store.append(day[:10])
    torn = msgspec.structs.replace(day[late], event_type=None)
    with pytest.raises(StoreError, match="cannot write"):
        store.append([*day[10:late], torn])
    assert store.head().seq == 10
    store.append(day[10:])
    assert list(store.read(EventQuery())) == day
    store.close()


def test_pages_that_went_bad_are_reported_as_corruption(tmp_path):
    path = tmp_path / "events.db"
    store = SqliteStores().open_events(path)
    for batch in batches(Scribe().day(300), 64):
        store.append(batch)
    store.close()
    pages = bytearray(path.read_bytes())
    middle = len(pages) // 2 // 4096 * 4096
    pages[middle : middle + 3 * 4096] = b"\xee" * 3 * 4096
    path.write_bytes(pages)
    store = SqliteStores().open_events(path, exclusive=False)
    with pytest.raises(StoreCorrupt, match="restore it from a copy"):
        list(store.read(EventQuery()))
    store.close()


def test_a_text_that_is_none_is_reported_as_corruption(tmp_path):
    path = tmp_path / "events.db"
    store = SqliteStores().open_events(path)
    store.append(Scribe().day(3))
    store.close()
    with sqlite3.connect(path) as attacker:
        attacker.execute("DROP TRIGGER events_never_change")
        attacker.execute("UPDATE events SET event_type = CAST(x'ff80' AS TEXT) WHERE seq = 5")
    attacker.close()
    store = SqliteStores().open_events(path)
    with pytest.raises(StoreCorrupt, match="cannot read"):
        list(store.read(EventQuery()))
    store.close()
