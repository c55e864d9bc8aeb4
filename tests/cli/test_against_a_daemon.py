"""The command line against a real daemon, from the first start to the last word."""

from __future__ import annotations

import contextlib
import json
import signal
import socket

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import run_command

POLICY = """
pools:
  - {id: few/calls, unit: requests, limit: 2, window: {kind: fixed, every: 1h}, shared_by: ["*"]}
policies:
  - id: house
    rules:
      - {name: no-toys, condition: "intent.workload_id == 'toy'", action: deny, params: {reason: "no toys"}}
"""


@pytest.fixture
def real(tmp_path, monkeypatch):
    folder = tmp_path / "daemon"
    folder.mkdir()
    untold = {"RATELORD_POLICY_WATCH": "0"}  # it reads a policy when a test tells it to
    with DaemonProcess(folder, policy=POLICY, environment=untold) as daemon:
        monkeypatch.setenv("RATELORD_URL", daemon.url)
        monkeypatch.setenv("RATELORD_DB_PATH", str(daemon.db))
        yield daemon


@pytest.fixture(scope="module")
def _lasting(tmp_path_factory):
    with DaemonProcess(tmp_path_factory.mktemp("lasting"), policy=POLICY) as daemon:
        yield daemon


@pytest.fixture
def lasting(_lasting, monkeypatch):
    """A daemon that several tests look at, and leave as it is."""
    monkeypatch.setenv("RATELORD_URL", _lasting.url)
    monkeypatch.setenv("RATELORD_DB_PATH", str(_lasting.db))
    return _lasting


def start(folder, *words):
    """Start a command that is expected to end by itself."""
    with contextlib.chdir(folder):
        return run_command(*words)


def test_a_pool_is_asked_dry_and_every_answer_can_be_explained(ratelord, real):
    first = ratelord("ask", "repo_scan", "--json")
    assert first.code == 0
    assert ratelord("ask", "repo_scan").code == 0
    denied = ratelord("ask", "repo_scan", "--max-wait", "0")
    assert denied.code == 3
    assert "ask again in" in denied.out
    story = ratelord("explain", first.json["intent_id"])
    assert story.code == 0
    assert "repo_scan" in story.out
    assert "few/calls" in story.out
    assert ratelord("report", first.json["intent_id"], "--outcome", "cancelled").code == 0
    assert ratelord("ask", "repo_scan").code == 0
    proof = ratelord("events", "verify")
    assert proof.code == 0
    assert "are as written" in proof.out


def test_a_rule_denies_by_name(ratelord, lasting):
    ran = ratelord("ask", "toy")
    assert ran.code == 3
    assert "no toys" in ran.out
    assert "house" in ran.out


def test_after_a_crash_the_pools_are_as_they_were(ratelord, real, monkeypatch):
    def standing():
        rows = ratelord("pools", "--json").json
        return [{n: row[n] for n in ("limit", "used", "held", "reset_at")} for row in rows]

    ratelord("ask", "repo_scan")
    before = standing()
    real.kill()
    real.start()
    monkeypatch.setenv("RATELORD_URL", real.url)
    assert standing() == before
    assert before[0]["held"] == 1


def test_status_says_it_is_well(ratelord, lasting):
    ran = ratelord("status")
    assert ran.code == 0
    assert "is ok" in ran.out


def test_a_bad_policy_is_refused_and_the_old_one_stays(ratelord, real):
    before = ratelord("policy", "show", "--json").json["version"]
    real.policy.write_text(POLICY.replace("workload_id", "worklaod_id"), encoding="utf-8")
    ran = ratelord("reload")
    assert ran.code == 1
    assert "worklaod_id" in ran.err
    assert ratelord("policy", "show", "--json").json["version"] == before
    real.policy.write_text(POLICY.replace("no toys", "no games"), encoding="utf-8")
    assert "is in force" in ratelord("policy", "reload").out
    assert "no games" in ratelord("ask", "toy").out


def test_another_forecast_model_is_said_to_be_asked_from_the_next_start_on(ratelord, real):
    asked = "ensemble is asked until the daemon starts again, linear from then on"
    real.policy.write_text(POLICY + "settings: {forecast_model: linear}\n", encoding="utf-8")
    ran = ratelord("reload")
    assert "setting forecast_model" in ran.out
    assert asked in ran.out
    assert asked in ratelord("reload").out, "also while nothing changes"
    assert ratelord("forecasts", "--json").json[0]["model_id"] == "ensemble"
    real.policy.write_text(POLICY, encoding="utf-8")
    assert ratelord("reload", "--json").json["warnings"] == []


def test_the_doctor_finds_the_daemon(ratelord, lasting):
    port = lasting.url.rpartition(":")[2]
    ran = ratelord("doctor", "--port", port)
    assert ran.code == 0
    assert f"a daemon answers at 127.0.0.1:{port}" in ran.out
    assert str(lasting.pid) in ran.out


def test_the_replayed_log_equals_the_daemon(ratelord, lasting):
    ratelord("ask", "repo_scan")
    ran = ratelord("admin", "replay")
    assert ran.code == 0
    assert "the daemon says the same" in ran.out


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(real, sign):
    assert (real.stop() if sign is signal.SIGTERM else real.interrupt()) == 0
    assert "Traceback" not in real.log


def test_a_second_daemon_on_the_same_log_is_refused_in_one_line(lasting, tmp_path):
    ran = start(tmp_path, "up", "--port", "0", "--db", str(lasting.db))
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert str(lasting.pid) in ran.stderr


def test_a_taken_port_is_refused_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = start(tmp_path, "up", "--port", port, "--db", "x.db")
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert port in ran.stderr


def test_a_bad_policy_stops_the_start_with_its_line(tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY.replace("workload_id", "worklaod_id"))
    ran = start(tmp_path, "up", "--port", "0", "--db", "x.db")
    assert ran.returncode == 1
    assert "policy.yaml:7:" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_demonstration_shows_an_approval_a_wait_a_denial_and_the_recovery(tmp_path):
    # Two windows: on a busy machine the pool may run dry only in the second.
    ran = start(tmp_path, "demo", "--json", "--seconds", "14")
    assert ran.returncode == 0, ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    decisions = [line["decision"] for line in lines if line["kind"] == "decision"]
    kinds = [line["kind"] for line in lines]
    assert {d["decision"] for d in decisions} == {
        "approve", "approve_with_modifications", "deny_with_reason"
    }  # fmt: skip
    assert kinds.index("dry") < kinds.index("full")
    assert lines[0]["kind"] == "opening"
    assert lines[-1]["kind"] == "closing"
    assert lines[-1]["intact"] is True
    assert any("keep-the-last-half" in d["reason"] for d in decisions)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(lines[0]["url"].rpartition(":")[2])))


def test_the_demonstration_is_plain_in_a_pipe(tmp_path):
    ran = start(tmp_path, "demo", "--seconds", "2")
    assert ran.returncode == 0, ran.stderr
    assert "\x1b" not in ran.stdout
    assert "What to type next" in ran.stdout
    assert "✓ approved" in ran.stdout


def test_a_log_is_replayed_without_a_daemon_too(ratelord, real, monkeypatch):
    ratelord("ask", "repo_scan")
    live = ratelord("pools", "--json").json
    real.stop()
    ran = ratelord("admin", "replay", "--json")
    assert ran.code == 0
    assert ran.json["compared"] is False
    assert [pool["held"] for pool in ran.json["pools"]] == [pool["held"] for pool in live] == [1]
    assert "no daemon runs" in ratelord("admin", "replay").out


def test_another_daemon_s_log_is_noticed(ratelord, real, tmp_path, monkeypatch):
    ratelord("ask", "repo_scan")
    (tmp_path / "other").mkdir()
    with DaemonProcess(tmp_path / "other", policy=POLICY) as other:
        monkeypatch.setenv("RATELORD_URL", other.url)
        ran = ratelord("admin", "replay")
    assert ran.code == 1
    assert "the daemon says otherwise. Is this its log?" in ran.out


def test_what_binds_somebody_is_shown_in_order_of_precedence(ratelord, lasting):
    found = ratelord("policy", "show", "--effective", "--for", "agent=a,scope=repo:x/y", "--json")
    assert [(one["kind"], one["id"]) for one in found.json["binds"]] == [
        ("rule", "house/no-toys"),
        ("pool", "few/calls"),
    ]
    shown = ratelord("policy", "show", "--for", "agent=a").out
    assert "deny when intent.workload_id == 'toy'; level global" in " ".join(shown.split())
    wrong = ratelord("policy", "show", "--for", "agnt=a")
    assert wrong.code == 1
    assert "agent=ID" in wrong.err
