"""Scenarios that a daemon plays on request, over HTTP, in processes of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ratelord import Client
from ratelord_core.parts import Parts
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_sim.cli.app import run
from ratelord_sim.errors import ScenarioError
from ratelord_sim.scenario.reader import read_scenario

SMALL = {
    "name": "small",
    "duration": "20s",
    "agents": [{"name": "a", "count": 2}],
    "invariants": [{"metric": "over_admissions", "condition": "==", "value": 0}],
}
LONG = {"name": "long", "duration": "12h", "agents": [{"name": "a", "count": 20, "rate": 5}]}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    settings = {
        "RATELORD_SIMULATION_AGENTS": "50",
        "RATELORD_SIMULATION_DURATION_SECONDS": "50000",
        "RATELORD_SIMULATION_BODY_BYTES": "4096",
    }
    folder = tmp_path_factory.mktemp("daemon")
    with DaemonProcess(folder, policy="policies: []", environment=settings) as one:
        yield one


@pytest.fixture
def http(daemon: DaemonProcess) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=daemon.url, timeout=60) as client:
        yield client


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The names and contents of a stream's events."""
    frames = [frame.splitlines() for frame in text.split("\n\n") if frame.startswith("event:")]
    return [(name[7:], json.loads(data[6:])) for name, data in frames]


def test_a_scenario_is_played_its_progress_streamed_its_result_kept(
    daemon: DaemonProcess, http: httpx2.Client
) -> None:
    before = http.get("/v1/health").json()["seq"]
    begun = http.post("/v1/simulation", json={"scenario": SMALL, "seed": 9})
    assert begun.status_code == 202
    assert begun.json()["scenario"] == "small"

    told = events(http.get(begun.headers["location"], params={"stream": "true"}).text)

    names = [name for name, _ in told]
    assert names[-1] == "done"
    assert set(names[:-1]) <= {"progress"}
    parts = [view["progress"] for _, view in told]
    assert parts == sorted(parts)
    result = told[-1][1]["result"]
    assert (result["success"], result["seed"], result["mode"]) == (True, 9, "virtual")
    kept = http.get(begun.headers["location"]).json()
    assert kept["result"] == result
    with Client(daemon.url, timeout=60) as client:
        listed = client.simulations()
        assert listed[0] == {**kept, "result": None}
        client.cancel_simulation(kept["simulation_id"])
        assert kept["simulation_id"] not in {one["simulation_id"] for one in client.simulations()}
    kinds = {
        event["event_type"] for event in http.get("/v1/events", params={"after": before}).json()
    }
    assert not kinds & {"intent_submitted", "intent_decided", "config_loaded"}


def test_no_more_play_than_may_and_one_can_be_broken_off(http: httpx2.Client) -> None:
    begun = http.post("/v1/simulation", json=LONG)
    assert begun.status_code == 202

    refused = http.post("/v1/simulation", json={"scenario": "s01"})
    assert (refused.status_code, refused.json()["code"]) == (429, "overloaded")
    assert int(refused.headers["retry-after"]) >= 1

    where = begun.headers["location"]
    assert http.delete(where).status_code == 204
    found = http.get(where).json()
    assert (found["status"], found["result"]) == ("cancelled", None)
    assert http.delete(where).status_code == 204
    assert http.get(where).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"scenario": "s99"}, 400, "no shipped scenario is called 's99'"),
        ({"scenario": "s04"}, 400, "s04-noisy-neighbour-isolated or s04-noisy-neighbour-shared"),
        ({"scenario": "s01", "seed": 1.5}, 400, "not a whole number"),
        ({"scenario": 7}, 400, "no simulation"),
        ({"scenario": "s01", "seed": -1}, 400, "seed"),
        ({"name": "x"}, 422, "'agents' is missing"),
        ({**SMALL, "agents": [{"name": "a", "count": 51}]}, 422, "51 agents are more than the 50"),
        ({**SMALL, "duration": "20h"}, 422, "72000 s are longer"),
        ({**SMALL, "policy": "/etc/hostname"}, 422, "names a file"),
        (
            {**SMALL, "agents": [{"name": "a", "behavior": "trace", "trace": "/etc/hostname"}]},
            422,
            "names a file",
        ),
        ({**SMALL, "description": "x" * 5000}, 413, "4096 bytes"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_reason(
    body: dict[str, Any], status: int, said: str, http: httpx2.Client
) -> None:
    before = http.get("/v1/simulation").json()["items"]
    refused = http.post("/v1/simulation", json=body)

    assert refused.status_code == status
    assert said in refused.json()["detail"]
    assert http.get("/v1/simulation").json()["items"] == before, "nobody remembers it"


def test_a_scenario_may_be_sent_as_yaml_and_as_nothing_else(http: httpx2.Client) -> None:
    text = "name: y\nagents: [{name: a}]\nduration: 2s\n"
    kind = {"content-type": "application/yaml"}
    begun = http.post("/v1/simulation", content=text, headers=kind)
    assert begun.json()["scenario"] == "y"
    assert (
        events(http.get(begun.headers["location"], params={"stream": "true"}).text)[-1][0] == "done"
    )
    foreign = {"content-type": "application/x-www-form-urlencoded"}
    assert http.post("/v1/simulation", content=text, headers=foreign).status_code == 415
    assert http.put("/v1/simulation").status_code == 405
    assert http.get("/v1/simulation/no/where").status_code == 404
    assert http.get("/v1/simulationx").status_code == 404


def test_only_who_may_administer_may_simulate(daemon: DaemonProcess, http: httpx2.Client) -> None:
    with Client(daemon.url, timeout=60) as client:
        token = client.register_identity("key:looker", "user", role="viewer").token
    headers = {"authorization": f"Bearer {token}"}

    assert http.get("/v1/simulation", headers=headers).status_code == 403
    assert http.post("/v1/simulation", json=SMALL, headers=headers).status_code == 403


def test_the_command_lets_a_daemon_play(
    daemon: DaemonProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(json.dumps(SMALL))

    assert run(["submit", str(file), "--target", daemon.url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scenario"] == "small"
    assert run(["submit", str(file), "--target", "http://127.0.0.1:1"]) != 0


def test_a_simulation_that_takes_too_long_is_broken_off_and_none_outlives_its_daemon(
    tmp_path: Path,
) -> None:
    settings = {"RATELORD_SIMULATION_SECONDS": "1.5", "RATELORD_SIMULATION_CONCURRENCY": "2"}
    with DaemonProcess(tmp_path, policy="policies: []", environment=settings) as daemon:
        with httpx2.Client(base_url=daemon.url, timeout=60) as client:
            begun = client.post("/v1/simulation", json=LONG)
            assert begun.status_code == 202, begun.text
            told = events(client.get(begun.headers["location"], params={"stream": "true"}).text)
            assert told[-1][0] == "failed"
            assert "broken off after 1.5 s" in told[-1][1]["error"]
        assert daemon.stop() == 0


def test_one_that_is_broken_off_before_it_was_read_says_so_and_is_no_defect(
    tmp_path: Path,
) -> None:
    settings = {"RATELORD_SIMULATION_SECONDS": "0.01"}
    with DaemonProcess(tmp_path, policy="policies: []", environment=settings) as daemon:
        begun = httpx2.post(f"{daemon.url}/v1/simulation", json=LONG, timeout=60)
        assert (begun.status_code, begun.json()["status"]) == (202, "failed")
        assert "broken off after 0.01 s" in begun.json()["error"]


def test_wrong_bounds_stop_the_start(tmp_path: Path) -> None:
    from ratelord_core.testing.daemon_process import DaemonDied

    settings = {"RATELORD_SIMULATION_CONCURRENCY": "many"}
    daemon = DaemonProcess(tmp_path, policy="policies: []", environment=settings)
    with pytest.raises(DaemonDied, match="RATELORD_SIMULATION_CONCURRENCY is 'many'"):
        daemon.start()


def test_a_scenario_without_a_folder_may_name_no_file(installed: Parts) -> None:
    with pytest.raises(ScenarioError, match="names a file"):
        read_scenario(json.dumps({**SMALL, "policy": "x.yaml"}), "x", installed, None)
