"""What prevents a start: one line that says the thing, its value and the next step; exit status 1."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
ON_A_FULL_DISK = """
import resource, sys
from ratelord_core.cli.app import run
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
sys.exit(run(sys.argv[1:]))
"""


def told(done: Any) -> str:
    """The one line."""
    said = done.stderr.strip().splitlines()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert len(said) == 1, done.stderr
    assert said[0].startswith("ratelord: ")
    return str(said[0])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log that a daemon could have left: schema, no events."""
    from ratelord_sql.plugin import SqliteStores

    path = tmp_path / "ratelord.db"
    SqliteStores().open_events(path).close()
    return path


def up(command: Command, db: Path, *words: str) -> Any:
    """A daemon that must fail to start."""
    return command("up", "--port", "0", "--db", str(db), *words)


@pytest.mark.promise("F-07")
def test_a_newer_schema(command: Command, log: Path) -> None:
    with closing(sqlite3.connect(log)) as database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
        database.commit()

    line = told(up(command, log))

    assert str(log) in line
    assert "schema version 99" in line
    assert "upgrade ratelord" in line


@pytest.mark.promise("F-07")
def test_a_database_whose_pages_went_bad(command: Command, log: Path) -> None:
    pages = bytearray(log.read_bytes())
    pages[100:8192] = b"\xee" * (8192 - 100)
    log.write_bytes(pages)

    line = told(up(command, log))

    assert str(log) in line
    assert "restore it from a copy" in line


@pytest.mark.promise("F-07")
def test_an_event_that_cannot_be_read(command: Command, log: Path) -> None:
    with closing(sqlite3.connect(log)) as database:
        database.execute(
            "INSERT INTO events VALUES (1, x'00', 'system_started', 1, x'', x'7b', x'', x'00', NULL)"
        )
        database.commit()

    line = told(up(command, log))

    assert "event 1" in line
    assert "ratelord events verify" in line


@pytest.mark.promise("F-07")
def test_a_database_of_another_program(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE songs (name)")

    line = told(up(command, path))

    assert str(path) in line
    assert "--db" in line


@pytest.mark.parametrize("trouble", ["no folder", "a file in the way", "not ours to write"])
def test_a_folder_that_cannot_be_written(command: Command, tmp_path: Path, trouble: str) -> None:
    folder = tmp_path / "folder"
    if trouble == "a file in the way":
        folder.write_text("")
    elif trouble == "not ours to write":
        if os.geteuid() == 0:
            pytest.skip("root may write everywhere")
        folder.mkdir(mode=0o500)

    line = told(up(command, folder / "ratelord.db"))

    assert str(folder / "ratelord.db") in line
    assert "--db" in line


@pytest.mark.skipif(sys.platform != "linux", reason="needs limits that can be set from outside")
def test_a_full_disk(tmp_path: Path) -> None:
    words = ["up", "--port", "0", "--db", str(tmp_path / "ratelord.db")]
    # A measurement of what is reached would find no room for its file either, and say so.
    unmeasured = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=unmeasured,
        timeout=240,
    )
    line = told(done)

    assert str(tmp_path / "ratelord.db") in line
    assert "free some space" in line


@pytest.mark.promise("F-07")
@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "policy.yaml"),
        ("policies: [x", "not valid YAML"),
        (
            "providers: {mock: [{id: a, pools: {p: {limit: -1}}}]}",
            "provider a: pools.p.limit is -1",
        ),
    ],
    ids=["missing", "not YAML", "a provider's option"],
)
def test_a_policy_that_cannot_be_used(
    command: Command, tmp_path: Path, content: str | None, named: str
) -> None:
    policy = tmp_path / "policy.yaml"
    if content is not None:
        policy.write_text(content)

    line = told(up(command, tmp_path / "ratelord.db", "--policy", str(policy)))

    assert named in line


@pytest.mark.promise("F-07")
def test_a_log_that_a_running_daemon_keeps_is_left_alone(
    command: Command, start: Callable[..., Any]
) -> None:
    desk = start()

    line = told(up(command, desk.daemon.db))

    assert str(desk.daemon.db) in line
    assert str(desk.daemon.pid) in line
    assert desk.ask()
