"""The log: nothing in it changes, nothing is missing, and everything follows from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]


@pytest.fixture
def stopped(start: Start) -> Any:
    desk = start()
    for _ in range(5):
        desk.ask()
    assert desk.daemon.stop() == 0
    return desk


@pytest.mark.promise("D-04")
def test_the_log_is_gapless_and_its_database_refuses_changes(stopped: Any) -> None:
    with closing(sqlite3.connect(stopped.daemon.db)) as database:
        numbers = [row[0] for row in database.execute("SELECT seq FROM events ORDER BY seq")]
        assert numbers == list(range(1, len(numbers) + 1))
        for attack in (
            "UPDATE events SET body = x'7b7d' WHERE seq = 2",
            "DELETE FROM events WHERE seq = 2",
        ):
            with pytest.raises(sqlite3.DatabaseError):
                database.execute(attack)


@pytest.mark.promise("D-05")
def test_a_state_rebuilt_from_the_events_alone_is_the_same(
    start: Start, steady: Callable[[Any], str], tmp_path: Path
) -> None:
    desk = start()
    desk.command("identity", "add", "pat:two")
    for number in range(5):
        desk.ask(agent_id=f"agent:{number}", expected_cost=2)
    before = steady(desk)
    desk.daemon.kill()
    with closing(sqlite3.connect(desk.daemon.db)) as database:
        names = {
            row[0]
            for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        for name in names - {"events", "meta", "permit", "alembic_version", "sqlite_sequence"}:
            database.execute(f"DROP TABLE {name}")
        database.commit()

    desk.daemon.start()

    assert steady(desk) == before


@pytest.mark.promise("F-04")
def test_verify_proves_an_honest_log(stopped: Any) -> None:
    proved = stopped.command("events", "verify", "--db", str(stopped.daemon.db))

    assert proved.returncode == 0, proved.stderr


@pytest.mark.promise("F-04")
def test_verify_finds_one_changed_byte(stopped: Any) -> None:
    with closing(sqlite3.connect(stopped.daemon.db)) as database:
        triggers = [
            row[0]
            for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ]
        for name in triggers:  # what only somebody with the file in their hands can do
            database.execute(f"DROP TRIGGER {name}")
        (body,) = database.execute("SELECT body FROM events WHERE seq = 4").fetchone()
        forged = body.replace(b"0", b"1", 1)
        assert forged != body
        database.execute("UPDATE events SET body = ? WHERE seq = 4", (forged,))
        database.commit()

    refuted = stopped.command("events", "verify", "--db", str(stopped.daemon.db))

    assert refuted.returncode == 1
    assert "4" in refuted.stdout + refuted.stderr
    assert "Traceback" not in refuted.stderr
