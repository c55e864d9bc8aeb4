"""Scenarios in real time, against a daemon in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from ratelord_core.events.codec import open_record
from ratelord_core.events.showing import event_view
from ratelord_core.ledger.period import PeriodAccount
from ratelord_core.parts import Parts
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_sim.cli.app import run
from ratelord_sim.fuzz.scene import scene
from ratelord_sim.live.audit import LogAudit
from ratelord_sim.live.history import event_of
from ratelord_sim.play import Play
from ratelord_sim.scenario.reader import read_scenario

# In real time a machine that stalls makes an agent act after its hold has lapsed, which a provider
# may refuse; that nothing was given away twice is what over_admissions says, and exactly.
SCENARIO = """
name: in real time
duration: 24s
topology:
  pools:
    - {id: api/requests, limit: 12, window: {kind: fixed, every: 8s}}
    - {id: api/slots, limit: 3, window: {kind: concurrency}}
agents:
  - {name: worker, count: 5, behavior: poisson, rate: 0.5, hint: 4s, max_wait: 30s}
faults:
  - {kind: duplicates, share: 0.3, duration: 24s}
  - {kind: network_loss, share: 0.1, direction: replies, duration: 24s}
  - {kind: crash, at: 5s}
daemon: {timeout: 2s}
invariants:
  - {metric: demands, condition: ">", value: 20}
  - {metric: succeeded, condition: ">", value: 5}
  - {metric: provider_refusals, condition: "<=", value: 2}
  - {metric: over_admissions, condition: "==", value: 0}
  - {metric: unlogged_answers, condition: "==", value: 0}
  - {metric: decided_twice, condition: "==", value: 0}
  - {metric: leaks, condition: "==", value: 0}
  - {metric: restarts, condition: "==", value: 1}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "live.yaml"
    path.write_text(SCENARIO)
    return path


def told(file: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a daemon is to be told."""
    assert run(["policy", str(file), *arguments]) == 0
    return capsys.readouterr().out


def test_a_scenario_plays_against_a_daemon_and_is_judged_from_outside(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = told(file, capsys, "--speed", "4")

    with DaemonProcess(tmp_path, policy=policy) as daemon:
        code = run(["run", str(file), "--target", daemon.url, "--speed", "4", "--json"])

    result = json.loads(capsys.readouterr().out)
    failed = [one for one in result["invariants"] if not one["passed"]]
    assert (code, failed) == (0, [])
    assert result["mode"] == "live"
    assert result["not_judged"] == ["restarts"]
    assert result["daemon"]["restarts"] is None
    assert result["not_played"] == ["crash"]
    assert result["wall_latency_seconds"]["p50"] > 0
    assert result["daemon"]["messages_lost"] > 0
    assert result["pools"]["api/requests"]["resets_count"] >= 2
    assert max(result["series"]["pools"]["api/requests"]["known"]) > 0


def test_a_daemon_without_the_pools_is_told_apart(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with DaemonProcess(tmp_path, policy="policies: []") as daemon:
        assert run(["run", str(file), "--target", daemon.url]) == 1
        assert "it has no pool api/requests" in capsys.readouterr().err

        monkeypatch.setenv("WRONG", "nobody-knows-this-token")
        arguments = ["run", str(file), "--target", daemon.url, "--token-env", "WRONG"]
        assert run(arguments) == 1
        assert "the token belongs to no active identity" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "http://127.0.0.1:9", "--speed", "0"], "--speed 0 is not above 0"),
        (["--target", "http://127.0.0.1:9", "--token-env", "NOBODY_SET"], "NOBODY_SET is not set"),
        (["--target", "nonsense://x"], "nonsense://x"),
        (["--speed", "2"], "go with --target"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused(
    arguments: list[str], said: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["run", str(file), *arguments]) in (1, 2)

    assert said in capsys.readouterr().err


def test_a_calendar_passes_no_faster_than_life(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    window = {"kind": "calendar", "every": "day"}
    tree = {
        "name": "x",
        "topology": {"pools": {"p/q": {"limit": 1, "window": window}}},
        "agents": [{"name": "a"}],
    }
    file = tmp_path / "day.yaml"
    file.write_text(yaml.safe_dump(tree))

    assert run(["policy", str(file), "--speed", "2"]) == 1
    assert "p/q follows a calendar" in capsys.readouterr().err
    assert "every: day" in told(file, capsys)


def play(tree: dict[str, Any], installed: Parts) -> Play:
    """A scenario that has been played in virtual time."""
    played = Play(read_scenario(json.dumps(tree), "x", installed, Path()), installed)
    played.run()
    return played


def test_an_event_that_is_shown_can_be_read_back(installed: Parts) -> None:
    seen = set()
    for number in range(12):
        for record in play(scene(3, number), installed).daemon.log.records():
            shown = msgspec.json.decode(msgspec.json.encode(event_view(record)))

            assert event_of(shown) == open_record(record)
            seen.add(record.event_type)

    assert {"intent_decided", "provider_poll_observed", "config_loaded", "intent_reported"} <= seen


def test_the_log_alone_shows_that_too_much_was_given(
    monkeypatch: pytest.MonkeyPatch, installed: Parts
) -> None:
    tree = {
        "name": "x",
        "duration": "5s",
        "topology": {"pools": {"p/q": {"limit": 3, "window": {"kind": "fixed", "every": "60s"}}}},
        "agents": [{"name": "a", "count": 4, "max_wait": "0s"}],
    }
    monkeypatch.setattr(PeriodAccount, "earliest", lambda self, units, lifetime, after, *_: after)

    log = [open_record(one) for one in play(tree, installed).daemon.log.records()]

    audit = LogAudit(installed.blank("linear").state(), before=0)
    audit.read(log)
    assert audit.over["p/q"] > 10
    later = LogAudit(installed.blank("linear").state(), before=log[-1].seq)
    later.read(log)
    assert not later.over
