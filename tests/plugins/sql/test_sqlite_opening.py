"""Opening a log: what is refused, and with which words."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading

import pytest

from ratelord_core.errors import StoreCorrupt, StoreError, StoreLocked, StoreNewer
from ratelord_core.plugins import load
from ratelord_core.store import EventQuery
from ratelord_core.testing.records import Scribe
from ratelord_sql import migrations
from ratelord_sql.plugin import SqliteStores
from ratelord_sql.tables import EVENTS, MetaRow, PermitRow, table_of

DAY = Scribe().day(3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


@pytest.fixture
def written(path):
    store = SqliteStores().open_events(path)
    store.append(DAY)
    store.close()
    return path


def refusal(path, kind=StoreError, **options):
    """What opening says; it must be one line that names the file."""
    with pytest.raises(kind) as caught:
        SqliteStores().open_events(path, **options)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert ";" in message, "no next step"
    return message


def test_the_plugin_registers_the_store_by_name():
    assert load().named("ratelord_register_stores")["sqlite"].name == "sqlite"


def test_the_plugin_loads_no_sql_library():
    code = "import sys, ratelord_sql.plugin; print(sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "'sqlmodel'" not in loaded
    assert "'sqlalchemy'" not in loaded
    assert "'pydantic'" not in loaded


def test_a_missing_folder_is_named(tmp_path):
    assert "create the folder" in refusal(tmp_path / "nowhere" / "events.db")


def test_a_folder_is_not_a_log(tmp_path):
    refusal(tmp_path)


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("")
    refusal(tmp_path / "file" / "events.db")


@pytest.fixture
def nobody():
    """For the length of a test, a user who may not write everywhere."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


def test_an_unwritable_folder_is_named(tmp_path, nobody):
    if os.geteuid() != 65534:
        tmp_path.chmod(0o500)
    assert "writable" in refusal(tmp_path / "events.db")


def test_a_file_that_is_no_database_is_refused_and_left_alone(path):
    path.write_bytes(b"this was never a database" * 100)
    refusal(path, StoreCorrupt)
    refusal(path, StoreCorrupt, exclusive=False)
    assert path.read_bytes().startswith(b"this was never")


def test_a_database_of_another_program_is_refused_and_left_alone(path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    other.close()
    assert "not a ratelord log" in refusal(path, StoreCorrupt)
    with sqlite3.connect(path) as other:
        names = other.execute("SELECT name FROM sqlite_master").fetchall()
    other.close()
    assert names == [("songs",)]


def test_a_log_of_a_newer_version_is_refused_and_left_alone(written):
    with sqlite3.connect(written) as newer:
        newer.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    newer.close()
    assert "99" in refusal(written, StoreNewer)
    assert "upgrade" in refusal(written, StoreNewer, exclusive=False)


def test_a_log_that_lost_pages_is_corrupt(written):
    written.write_bytes(written.read_bytes()[:4096] + b"\xaa" * 40960)
    refusal(written, StoreCorrupt)


def test_a_schema_without_version_is_refused(written):
    with sqlite3.connect(written) as other:
        other.execute("DELETE FROM meta")
    other.close()
    refusal(written, StoreCorrupt)


def test_reading_needs_a_log_that_exists(path):
    assert "start a daemon" in refusal(path, exclusive=False)
    assert not path.exists()


def test_an_empty_file_is_a_log_to_be(path):
    path.touch()
    refusal(path, exclusive=False)
    SqliteStores().open_events(path).close()
    SqliteStores().open_events(path, exclusive=False).close()


def test_the_file_is_for_its_owner_only(written):
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_a_path_with_odd_characters_works(tmp_path):
    path = tmp_path / "a b?c#d%41.db"
    store = SqliteStores().open_events(path)
    store.append(DAY)
    store.close()
    assert path.exists()


def test_a_second_daemon_is_refused_and_told_who_holds_the_log(written):
    code = (
        "import sys, pathlib; from ratelord_sql.plugin import SqliteStores\n"
        "store = SqliteStores().open_events(pathlib.Path(sys.argv[1]))\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(written)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as daemon:
        assert daemon.stdout.readline() == b"open\n"
        assert f"process {daemon.pid}" in refusal(written, StoreLocked)
        beside = SqliteStores().open_events(written, exclusive=False)
        assert list(beside.read(EventQuery())) == DAY
        beside.close()
        daemon.kill()
    SqliteStores().open_events(written).close()


def test_the_same_file_by_another_name_is_the_same_lock(written, tmp_path):
    other = tmp_path / "alias.db"
    other.symlink_to(written)
    store = SqliteStores().open_events(written)
    with pytest.raises(StoreLocked):
        SqliteStores().open_events(other)
    store.close()


def test_a_failed_opening_leaves_no_lock_behind(path):
    path.write_bytes(b"no database" * 100)
    refusal(path, StoreCorrupt)
    path.unlink()
    SqliteStores().open_events(path).close()


def test_every_commit_is_flushed_to_the_disk(path):
    store = SqliteStores().open_events(path)
    settings = {
        name: store._writer.exec_driver_sql(f"PRAGMA {name}").scalar()
        for name in ("journal_mode", "synchronous", "wal_autocheckpoint")
    }
    store.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "wal_autocheckpoint": 1000}


def test_the_lag_counts_pages_and_is_gone_after_closing(path):
    store = SqliteStores().open_events(path)
    store.append(DAY)
    lag = store.checkpoint_lag()
    store.close()
    assert lag > 0
    assert store.checkpoint_lag() == 0


def test_the_migrated_schema_is_the_declared_one(written):
    with sqlite3.connect(written) as file:
        for table in (EVENTS, table_of(MetaRow), table_of(PermitRow)):
            found = file.execute(f"PRAGMA table_info({table.name})").fetchall()
            assert [
                (name, kind, bool(required), bool(key)) for _, name, kind, required, _, key in found
            ] == [
                (column.name, _kind(column), not column.nullable, column.primary_key)
                for column in table.columns
            ]
    file.close()


def _kind(column):
    return {"BLOB": "BLOB", "INTEGER": "INTEGER"}.get(str(column.type), "VARCHAR")


def test_migrations_start_where_the_file_stands(written, monkeypatch):
    later = (*migrations.MIGRATIONS, ("CREATE TABLE later (x INTEGER)",))
    monkeypatch.setattr(migrations, "MIGRATIONS", later)
    monkeypatch.setattr(migrations, "NEWEST", 2)
    monkeypatch.setattr("ratelord_sql.opening.NEWEST", 2)
    assert "start a daemon on it once" in refusal(written, exclusive=False)
    store = SqliteStores().open_events(written)
    assert list(store.read(EventQuery())) == DAY
    store.close()
    with sqlite3.connect(written) as file:
        assert file.execute("SELECT value FROM meta").fetchall() == [("2",)]
        assert file.execute("SELECT * FROM later").fetchall() == []
    file.close()


def test_a_migration_that_fails_changes_nothing(written, monkeypatch):
    later = (*migrations.MIGRATIONS, ("CREATE TABLE later (x INTEGER)", "NO SUCH STATEMENT"))
    monkeypatch.setattr(migrations, "MIGRATIONS", later)
    refusal(written)
    with sqlite3.connect(written) as file:
        names = {name for (name,) in file.execute("SELECT name FROM sqlite_master")}
    file.close()
    assert "later" not in names


def test_readers_of_many_threads_have_connections_of_their_own(written):
    store = SqliteStores().open_events(written)
    gate, seen = threading.Barrier(8), []

    def look():
        gate.wait(60)
        seen.append(list(store.read(EventQuery())))

    lookers = [threading.Thread(target=look) for _ in range(8)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()
    store.close()
    assert seen == [DAY] * 8
