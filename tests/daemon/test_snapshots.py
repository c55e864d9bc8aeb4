"""A start with a snapshot is a start from the log, only sooner; in any doubt the log decides."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from ratelord_core.daemon.aside import Task
from ratelord_core.testing.daemon_process import DaemonProcess

POLICY = """
pools:
  - {id: house/fixed, unit: requests, limit: 100000, window: {kind: fixed, every: 24h}, shared_by: ["*"]}
  - {id: house/day, unit: requests, limit: 100000, window: {kind: calendar, every: day}, shared_by: ["*"]}
  - {id: house/sliding, unit: requests, limit: 100000, window: {kind: sliding, every: 1h}, shared_by: ["*"]}
  - {id: house/bucket, unit: requests, limit: 100000, window: {kind: bucket, every: 1h}, shared_by: ["*"]}
  - {id: house/jobs, unit: requests, limit: 1000, window: {kind: concurrency}, shared_by: ["*"]}
policies:
  - id: steer
    rules:
      - {name: even, condition: "agent.id == 'a1'", action: shape, params: {algorithm: pace}}
      - {name: loop, condition: "agent.id == 'a2'", action: shape, params: {algorithm: pid}}
      - {name: probe, condition: "agent.id == 'a3'", action: shape, params: {algorithm: aimd}}
"""
IDS = {"agent_id": "a", "identity_id": "i", "workload_id": "w", "scope_id": "s"}
DOUBTED = "the snapshot is not believed, the log is replayed"


def asked(daemon: DaemonProcess, times: int) -> str:
    """Ask, and report every other answer; the last key's answer."""
    intents = [IDS | {"agent_id": f"a{n % 7}", "idempotency_key": f"{n}"} for n in range(times)]
    with httpx2.Client(base_url=daemon.url, timeout=60) as client:
        answers = client.post("/v1/intents/batch", json={"intents": intents}).json()["decisions"]
        for one in answers[: times // 2 : 2]:
            told = {"outcome": "success", "actual_cost": 2}
            client.post(f"/v1/intents/{one['intent_id']}/report", json=told).raise_for_status()
        return str(client.post("/v1/intent", json=intents[-1]).json()["intent_id"])


def seen(daemon: DaemonProcess) -> list[dict[str, Any]]:
    """What readers are shown of pools that does not change by itself."""
    fields = ("pool_id", "limit", "used", "held", "available", "reset_at", "shares")
    pools = httpx2.get(f"{daemon.url}/v1/pools", timeout=60).json()["items"]
    steady = [pool for pool in pools if pool["pool_id"] not in {"bucket"}]
    return [{name: pool[name] for name in fields if name in pool} for pool in steady]


def replayed(daemon: DaemonProcess) -> float:
    text = httpx2.get(f"{daemon.url}/metrics", timeout=60).text
    [line] = [one for one in text.splitlines() if one.startswith("ratelord_replay_events ")]
    return float(line.partition(" ")[2])


def daemon(folder: Path, **environment: str) -> DaemonProcess:
    return DaemonProcess(folder, policy=POLICY, environment=environment)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a daemon that ended in good order, with a snapshot beside its log."""
    folder = tmp_path_factory.mktemp("stopped")
    with daemon(folder) as first:
        asked(first, 80)
        assert first.stop() == 0
    assert first.db.with_name(first.db.name + ".snapshot").exists()
    return folder


@pytest.fixture
def folder(stopped: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(stopped, tmp_path / "copy"))


def test_the_end_leaves_a_snapshot_and_the_next_start_reads_on_from_it(folder: Path) -> None:
    with daemon(folder) as second:
        before = seen(second)
        assert replayed(second) < 5
        again = asked(second, 80)
        found = httpx2.post(f"{second.url}/v1/admin/verify", timeout=60).json()
        assert (found["intact"], found["state"], found["snapshot"]) == (True, "same", "same")
        assert found["differences"] == []
    shutil.rmtree(folder / "again", ignore_errors=True)
    [kept] = folder.glob("*.snapshot")
    kept.unlink()
    with daemon(folder) as third:
        assert replayed(third) > 150
        assert DOUBTED not in third.log
        assert asked(third, 80) == again, "the same keys have the same answers"
        assert [pool["limit"] for pool in seen(third)] == [pool["limit"] for pool in before]


def change(file: Path, what: str) -> None:
    """Make a snapshot doubtful in one way."""
    magic, rest = file.read_bytes().split(b"\n", 1)
    kept = msgspec.msgpack.decode(rest)
    if what == "a bit":
        content = bytearray(kept["content"])
        content[len(content) // 2] ^= 1
        kept["content"] = bytes(content)
    elif what == "its place":
        kept["seq"] -= 1
    elif what == "its link":
        kept["chain"] = bytes(32)
    elif what == "its maker":
        kept["made_by"] = "another version"
    packed = msgspec.msgpack.encode(kept)
    file.write_bytes(magic + b"\n" + (packed[:-9] if what == "its end" else packed))


@pytest.mark.parametrize("what", ["a bit", "its place", "its link", "its maker"])
def test_a_snapshot_that_is_not_as_the_log_has_it_is_not_believed(folder: Path, what: str) -> None:
    [kept] = folder.glob("*.snapshot")
    change(kept, what)
    with daemon(folder) as second:
        assert DOUBTED in second.log
        assert replayed(second) > 150
        found = httpx2.post(f"{second.url}/v1/admin/verify", timeout=60).json()
        assert found["state"] == "same"
        assert found["snapshot"].startswith("not believed")


def test_what_is_cut_short_is_no_snapshot(folder: Path) -> None:
    [kept] = folder.glob("*.snapshot")
    change(kept, "its end")
    with daemon(folder) as second:
        assert replayed(second) > 150


def test_a_snapshot_of_another_log_is_not_believed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with daemon(tmp_path / "other") as other:
        asked(other, 80)
        other.stop()
    [kept], [foreign] = folder.glob("*.snapshot"), (tmp_path / "other").glob("*.snapshot")
    shutil.copy(foreign, kept)
    with daemon(folder) as second:
        assert DOUBTED in second.log


def test_one_is_taken_on_request_and_every_so_many_events(tmp_path: Path, until: Any) -> None:
    with daemon(tmp_path, RATELORD_SNAPSHOT_EVENTS="150") as first:
        done = httpx2.post(f"{first.url}/v1/admin/snapshot", timeout=60).json()
        told = httpx2.get(f"{first.url}/v1/events?type=snapshot_taken", timeout=60).json()
        assert [one["payload"]["digest"] for one in told] == [done["digest"]]
        assert told[0]["payload"]["position"] == done["seq"]
        asked(first, 80)
        acts = httpx2.get(f"{first.url}/v1/events?type=administrative_act", timeout=60).json()
        assert [act["payload"]["action"] for act in acts] == ["log.snapshot"]

        def taken() -> int:
            query = f"{first.url}/v1/events?type=snapshot_taken"
            return len(httpx2.get(query, timeout=60).json())

        until(lambda: taken() == 2)
        first.kill()
    with daemon(tmp_path) as second:
        assert DOUBTED not in second.log
        assert replayed(second) < 150
        found = httpx2.post(f"{second.url}/v1/admin/verify", timeout=60).json()
        assert (found["state"], found["snapshot"]) == ("same", "same")


def test_who_is_killed_again_and_again_reads_no_more_each_time(tmp_path: Path) -> None:
    with daemon(tmp_path, RATELORD_SNAPSHOT_EVENTS="0") as first:
        asked(first, 80)
        first.kill()
    with daemon(tmp_path, RATELORD_SNAPSHOT_EVENTS="75") as second:
        assert replayed(second) > 150
        second.kill()
    with daemon(tmp_path) as third:
        assert replayed(third) < 20
        assert DOUBTED not in third.log
        found = httpx2.post(f"{third.url}/v1/admin/verify", timeout=60).json()
        assert (found["intact"], found["state"], found["snapshot"]) == (True, "same", "same")


def test_a_process_beside_a_daemon_that_is_gone_leaves_nothing_behind(folder: Path) -> None:
    db = str(folder / "ratelord.db")
    task = Task("snapshot", db, "sqlite", "networkx", "linear", 50, 0, daemon=1)
    done = subprocess.run(
        [sys.executable, "-m", "ratelord_core.daemon.aside"],
        input=msgspec.json.encode(task),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert not list(folder.glob("*.snapshot.new"))


def test_a_large_log_is_read_by_a_process_beside_the_daemon(tmp_path: Path) -> None:
    with daemon(tmp_path, RATELORD_SNAPSHOT_EVENTS="0") as first:
        with httpx2.Client(base_url=first.url, timeout=60) as client:
            client.post("/v1/intents/batch", json={"intents": [IDS] * 1000}).raise_for_status()
            assert client.post("/v1/admin/snapshot").json()["seq"] >= 2000
            found = client.post("/v1/admin/verify").json()
        assert (found["intact"], found["state"], found["snapshot"]) == (True, "same", "same")


def test_only_administrators_may(tmp_path: Path) -> None:
    with daemon(tmp_path) as first:
        made = httpx2.post(
            f"{first.url}/v1/identities", json={"identity_id": "v", "role": "viewer"}, timeout=60
        ).json()
        headers = {"authorization": f"Bearer {made['token']}"}
        for path in ("snapshot", "verify"):
            reply = httpx2.post(f"{first.url}/v1/admin/{path}", headers=headers, timeout=60)
            assert reply.status_code == 403


def test_the_command_line_proves_rebuilds_and_notices(folder: Path, command: Any) -> None:
    [db] = folder.glob("*.db")
    said = command(
        "admin", "replay", "--verify", "--db", str(db), RATELORD_URL="http://127.0.0.1:9"
    )
    assert said.returncode == 0, said.stderr
    assert "Every link is intact" in said.stdout
    assert "same" in said.stdout
    said = command(
        "admin", "replay", "--rebuild", "--db", str(db), RATELORD_URL="http://127.0.0.1:9"
    )
    assert said.returncode == 0
    assert "dropped" in said.stdout
    assert not list(folder.glob("*.snapshot"))
    with sqlite3.connect(db) as log:
        log.execute("DROP TRIGGER events_never_change")
        log.execute("UPDATE events SET body = replace(body, '1', '2') WHERE seq = 9")
    log.close()
    said = command(
        "admin", "replay", "--verify", "--db", str(db), RATELORD_URL="http://127.0.0.1:9"
    )
    assert said.returncode == 1
    assert "event 9" in said.stdout
