"""Backtests that a daemon runs on request, over its own log, in processes of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ratelord import Client
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import Desk

POLICY = (
    "settings: {forecast_model: linear}\n"
    "providers: {mock: [{id: m, pools: {t: {limit: 1000, unit: tokens}}}]}\n"
    "pricing: {m: {tokens: 1000000}}\n"
    "policies: []\n"
)
CANDIDATE = POLICY.replace(
    "policies: []",
    "policies: [{id: p, rules: [{name: no-a, condition: \"agent.id == 'agent:a'\", action: deny}]}]",
)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    with DaemonProcess(tmp_path_factory.mktemp("daemon"), policy=POLICY) as one:
        desk = Desk(one)
        for agent in ("agent:a", "agent:b", "agent:a"):
            desk.ask(agent_id=agent)
        yield one


@pytest.fixture
def http(daemon: DaemonProcess) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=daemon.url, timeout=60) as client:
        yield client


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The names and contents of a stream's events."""
    frames = [frame.splitlines() for frame in text.split("\n\n") if frame.startswith("event:")]
    return [(name[7:], json.loads(data[6:])) for name, data in frames]


@pytest.mark.promise("Pol-08")
def test_a_candidate_is_tried_on_the_daemons_log_and_changes_nothing(
    daemon: DaemonProcess, http: httpx2.Client
) -> None:
    before = http.get("/v1/health").json()["policy_version"]

    begun = http.post("/v1/policy/backtest", json={"document": CANDIDATE})
    told = events(http.get(begun.headers["location"], params={"stream": "true"}).text)

    assert begun.status_code == 202
    assert told[-1][0] == "done"
    result = told[-1][1]["result"]
    assert (result["questions"], result["changes"]) == (3, {"denied": 2})
    assert result["examples"][0]["after"]["rule"] == "p/no-a"
    assert [result[side]["expected_cost_microusd"] for side in ("before", "after")] == [3000, 1000]
    assert http.get("/v1/health").json()["policy_version"] == before
    assert len(http.get("/v1/events", params={"type": "intent_decided"}).json()) == 3


def test_the_client_begins_follows_and_forgets_one(daemon: DaemonProcess) -> None:
    with Client(daemon.url, timeout=60) as client:
        begun = client.begin_backtest(CANDIDATE, since="2020-01-01T00:00:00Z", examples=1)
        with httpx2.Client(base_url=daemon.url, timeout=60) as http:
            http.get(f"/v1/policy/backtest/{begun['backtest_id']}", params={"stream": "true"})
        done = client.backtest(begun["backtest_id"])
        client.cancel_backtest(begun["backtest_id"])

        assert done["status"] == "done"
        assert len(done["result"]["examples"]) == 1
        with httpx2.Client(base_url=daemon.url, timeout=60) as http:
            assert http.get(f"/v1/policy/backtest/{begun['backtest_id']}").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"document": "policies: [{id: a, rulez: []}]"}, 422, "rulez"),
        ({"document": CANDIDATE, "from": "yesterday"}, 400, "is not a time"),
        ({"document": CANDIDATE, "examples": -1}, 400, "examples"),
        ({"document": 5}, 400, "no request for a backtest"),
    ],
)
def test_a_request_that_is_wrong_says_what(
    http: httpx2.Client, body: dict[str, Any], status: int, told: str
) -> None:
    answer = http.post("/v1/policy/backtest", json=body)

    assert answer.status_code == status
    assert told in answer.text


@pytest.mark.parametrize("path", ["/v1/policy/backtest", "/v1/policy/shadow", "/v1/policy/check"])
def test_what_only_a_provider_knows_is_found_wherever_a_policy_goes(
    http: httpx2.Client, path: str
) -> None:
    text = (
        "providers: {mock: [{id: m, pools: {b: {limit: 9, window: {kind: bucket, every: 1m}}}}]}\n"
        "pools:\n"
        "  - {id: m/b, shares: {'agent:x': 20}}\n"
    )

    answer = http.post(path, content=text, headers={"content-type": "application/yaml"})

    assert answer.status_code == 422
    (found,) = answer.json()["errors"]
    assert found["message"].startswith("pool m/b: a bucket window has no shares")
    assert (found["line"], found["column"]) == (3, 23)


def test_a_span_in_which_nobody_asked_fails_with_a_sentence(http: httpx2.Client) -> None:
    begun = http.post(
        "/v1/policy/backtest", json={"document": CANDIDATE, "to": "2020-01-01T00:00:00Z"}
    )

    told = events(http.get(begun.headers["location"], params={"stream": "true"}).text)

    assert told[-1][0] == "failed"
    assert "nobody asked anything in that time" in told[-1][1]["error"]


def test_no_more_run_than_may(tmp_path: Path) -> None:
    settings = {"RATELORD_BACKTEST_CONCURRENCY": "0"}
    with DaemonProcess(tmp_path, policy=POLICY, environment=settings) as daemon:
        answer = Desk(daemon).post("/v1/policy/backtest", {"document": CANDIDATE})

    assert (answer.status_code, answer.json()["code"]) == (429, "overloaded")
    assert "RATELORD_BACKTEST_CONCURRENCY" in answer.text
