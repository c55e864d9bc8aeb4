"""A plugin whose model turns bad and well again, and whose controller turns bad, in a real daemon."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.testing.desk import Desk, desks, patiently, question

POLICY = """
settings: {forecast_model: moody}
pools:
  - {id: local/jobs, limit: 1000, window: {kind: fixed, every: 1h}, default: false}
  - {id: local/paced, limit: 1000, window: {kind: fixed, every: 1h}, default: false}
  - {id: local/tap, limit: 1000, window: {kind: bucket, every: 1h}, default: false}
workloads:
  scan: {consumes: {local/jobs: 1}}
  sip: {consumes: {local/tap: 1}}
  walk: {consumes: {local/paced: 1}}
policies:
  - id: steer
    scope: pool:local/paced
    rules: [{name: gently, condition: "true", action: shape, params: {algorithm: moody}}]
"""
MOODY = """
import os, time
from ratelord_core import hookimpl
from ratelord_core.control import PaceParams
from ratelord_core.model.forecast import Forecast
from ratelord_linear.burn import LinearModel

def mood():
    with open(os.environ["MOOD"]) as file:
        return file.read()

class Moody(LinearModel):
    def forecast(self, now, remaining, reset_at, extra_units=0.0, staleness=0.0):
        how = mood()
        if how == "raises":
            raise ZeroDivisionError("in a bad mood")
        if how == "hangs":
            time.sleep(600)
        if how == "nonsense":
            return Forecast(p_exhaustion=float("nan"))
        return super().forecast(now, remaining, reset_at, extra_units, staleness)

class Factory:
    model_id, model_version = "moody", "1"
    def build(self, limit, window_seconds):
        return Moody(limit, window_seconds)

@hookimpl
def ratelord_register_forecast_models():
    return [Factory()]

class Pacer:
    def update(self, reading): pass
    def alarmed(self, t, part): pass
    def state(self): return []
    def restore(self, state): pass
    def pace(self, reading):
        if mood() == "leaves":
            raise SystemExit(3)
        return reading.even

class Pacers:
    name, params = "moody", PaceParams
    def build(self, params):
        return Pacer()

@hookimpl
def ratelord_register_delay_controllers():
    return [Pacers()]
"""


@pytest.fixture
def moods(tmp_path: Path) -> Iterator[tuple[Desk, Callable[[str], Any]]]:
    """A daemon that forecasts with the model, and who sets its mood. Each test has its own: a model
    is tried again ever more rarely."""
    with _moody(tmp_path) as (begin, become):
        yield begin(), become


@contextmanager
def _moody(folder: Path) -> Iterator[tuple[Callable[[], Desk], Callable[[str], Any]]]:
    """Who begins such daemons on a folder, and who sets the mood."""
    (folder / "moody.py").write_text(MOODY, encoding="utf-8")
    info = folder / "moody-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: moody\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[ratelord]\nmoody = moody\n")
    mood = folder / "mood"
    mood.write_text("well")
    begin: Callable[..., Desk]
    with desks(folder, POLICY) as begin:
        environment = {"PYTHONPATH": str(folder), "MOOD": str(mood)}
        yield partial(begin, environment=environment), mood.write_text


@pytest.mark.parametrize(
    ("mood", "error"),
    [
        ("raises", "ZeroDivisionError: in a bad mood"),
        ("nonsense", "ValueError: "),
        ("hangs", "Overran: "),
    ],
)
def test_a_model_that_turns_bad_is_seen_everywhere_and_comes_back(
    moods: tuple[Desk, Callable[[str], Any]], mood: str, error: str
) -> None:
    desk, become = moods
    become("well")
    patiently(lambda: desk.ask()["allowed"])
    assert desk.get("/v1/health")["failed_models"] == []
    assert desk.post("/v1/admin/snapshot").is_success

    become(mood)
    denied = desk.ask(expected_cost=2)

    assert not denied["allowed"]
    assert denied["reason_code"] == "forecast_stale"
    assert denied["retry_after_seconds"] > 0
    _is_told(desk, error)
    if mood == "raises":
        _is_shown(desk)
        _is_proven(desk)

    become("well")
    patiently(lambda: desk.get("/v1/health")["status"] == "ok")
    assert desk.get("/v1/health")["failed_models"] == []
    assert desk.pool("local/jobs")["forecast"]["model_id"] == "linear"
    assert desk.pool("local/jobs")["risk_level"] == "ok"
    assert desk.ask()["allowed"]
    assert desk.ask(workload_id="sip")["allowed"]
    assert "moody answers again for pool local/jobs" in desk.daemon.log
    assert _turns(desk)[-1] is False
    assert desk.command("events", "verify").returncode == 0


def _is_told(desk: Desk, error: str) -> None:
    health = desk.get("/v1/health")
    told = {one["pool"]: one for one in health["failed_models"]}["local/jobs"]
    assert health["status"] == "degraded"
    assert told["model_id"] == "moody"
    assert told["error"].startswith(error)
    assert told["since"] < told["next_try"]
    assert "forecast_model" in told["next_step"]
    assert "denied" in told["meanwhile"]
    assert desk.get("/v1/health/ready")["status"] == "degraded"
    pool = desk.pool("local/jobs")
    assert pool["risk_level"] == "unknown"
    assert (pool["forecast"]["p_exhaustion"], pool["forecast"]["tte_p50_seconds"]) == (1.0, 0.0)
    assert health["risk_score"] < 100, "the rest of the system is none the worse"
    patiently(lambda: _turns(desk)[-1:] == [True])


def _turns(desk: Desk) -> list[bool]:
    turns = desk.events("system_status_changed")
    return [turn["payload"].get("degraded", False) for turn in turns]


def _is_shown(desk: Desk) -> None:
    shown = " ".join(desk.command("status").stdout.split())
    assert "is degraded" in shown
    assert "The forecast model moody failed for local/jobs" in shown
    port = desk.daemon.url.rpartition(":")[2]
    looked = json.loads(desk.command("doctor", "--json", RATELORD_PORT=port).stdout)["checks"]
    address = {check["name"]: check for check in looked}["address"]
    assert address["state"] == "warning"
    assert "ratelord status" in address["next_step"]


def _is_proven(desk: Desk) -> None:
    """A proof tells what only a failed model makes different: it fails there, too."""
    found = desk.post("/v1/admin/verify").json()
    assert (found["intact"], found["state"], found["differences"]) == (True, "same", [])
    assert found["snapshot"].startswith("same, but for what plugins that failed remember of local/")
    assert "local/jobs" in found["snapshot"]
    assert desk.command("admin", "verify").returncode == 0


def test_a_controller_that_turns_bad_is_named_and_its_pool_goes_on_evenly(
    moods: tuple[Desk, Callable[[str], Any]],
) -> None:
    desk, become = moods
    become("leaves")
    waits = [
        desk.ask(workload_id="walk")["modifications"].get("wait_seconds", 0.0) for _ in range(3)
    ]

    assert waits == sorted(waits)
    assert waits[-1] > 3.0
    health = desk.get("/v1/health")
    (failed,) = health["failed_controllers"]
    assert health["status"] == "degraded"
    assert (failed["pool"], failed["policy_id"], failed["rule"]) == (
        "local/paced",
        "steer",
        "gently",
    )
    assert failed["algorithm"] == "moody"
    assert "would have ended the daemon (exit 3)" in failed["error"]
    assert failed["since"] <= desk.get("/v1/events?limit=1")[0]["ts_event"]
    assert "even pace" in failed["meanwhile"]
    shown = " ".join(desk.command("status").stdout.split())
    assert "The controller moody of rule 'gently' of 'steer' failed for local/paced" in shown


@pytest.mark.parametrize("mood", ["raises", "leaves"])
def test_what_a_failed_plugin_forgot_is_in_no_snapshot_and_is_learnt_again(
    tmp_path: Path, mood: str
) -> None:
    with _moody(tmp_path) as (begin, become):
        first = begin()
        asked = [question(workload_id=name) for name in ("scan", "walk")] * 30
        first.post("/v1/intents/batch", {"intents": asked}).raise_for_status()
        become(mood)
        first.post("/v1/intents/batch", {"intents": asked[:2]}).raise_for_status()
        assert first.get("/v1/health")["status"] == "degraded"
        become("well")
        first.daemon.stop()
        assert not list(tmp_path.glob("*.snapshot"))

        second = begin()
        patiently(lambda: second.get("/v1/health")["status"] == "ok")
        found = second.post("/v1/admin/verify").json()
        assert (found["state"], found["snapshot"]) == ("same", "none")
        second.daemon.stop()
        assert list(tmp_path.glob("*.snapshot"))
