"""The dashboard asks for what a daemon really shows: every metric, with labels that it has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from ratelord_core.testing.daemon_process import DaemonProcess

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "ratelord.json").read_text(encoding="utf-8"))
POLICY = """
providers:
  mock: [{id: mock, poll_interval: 1h, pools: {default: {limit: 100, window: {kind: fixed, every: 1h}}}}]
"""
TRACED = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
IDS = {"agent_id": "a", "identity_id": "i", "workload_id": "w", "scope_id": "s"}
NAMED = (
    "ratelord_usage",
    "ratelord_limit",
    "ratelord_held",
    "ratelord_available",
    "ratelord_forecast_seconds",
    "ratelord_exhaustion_probability",
    "ratelord_intent_total",
    "ratelord_http_request_duration_seconds_bucket",
    "ratelord_journal_batch_events_bucket",
    "ratelord_journal_queue",
    "ratelord_seq",
    "ratelord_replay_seconds",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    """The metrics of a daemon that was asked, refused something, and foresees trouble."""
    folder = tmp_path_factory.mktemp("observed")
    with (
        DaemonProcess(folder, policy=POLICY) as daemon,
        httpx2.Client(base_url=daemon.url, timeout=60) as client,
    ):
        for _ in range(60):
            client.post("/v1/intent", json=IDS, headers=TRACED).raise_for_status()
        assert client.get("/v1/nowhere").status_code == 404
        assert client.get("/v1/pools").status_code == 200
        reply = client.get("/metrics", headers={"accept": "application/openmetrics-text"})
        plain = client.get("/metrics")
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "trace_id" not in plain.text
    return reply.text


@pytest.fixture(scope="module")
def shown(page: str) -> dict[str, set[str]]:
    """The labels of every sample, by name."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page):
        found.setdefault(family.name, set())
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("name", NAMED)
def test_a_metric_that_is_promised_is_shown(shown: dict[str, set[str]], name: str) -> None:
    assert name in shown


def expressions() -> list[str]:
    asked = [one["expr"] for panel in DASHBOARD["panels"] for one in panel["targets"]]
    return asked + [v["definition"] for v in DASHBOARD["templating"]["list"] if "definition" in v]


@pytest.mark.parametrize("expression", expressions())
def test_a_panel_asks_for_what_there_is(shown: dict[str, set[str]], expression: str) -> None:
    named = re.findall(r"(ratelord_\w+)(?:\{([^}]*)\})?", expression)
    assert named
    grouped = re.findall(r"by \(([^)]*)\)", expression)
    for name, selectors in named:
        assert name in shown, expression
        labels = set(re.findall(r"(\w+)\s*=~?", selectors)) - {"instance"}
        labels |= {one.strip() for group in grouped for one in group.split(",")}
        assert labels <= shown[name], expression


def test_no_two_panels_lie_upon_each_other_and_each_has_a_number_of_its_own() -> None:
    places: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at: dict[str, Any] = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & places, panel["title"]
        assert at["x"] + at["w"] <= 24
        places |= cells
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_a_slow_request_leads_to_its_trace(page: str) -> None:
    family = next(
        one
        for one in text_string_to_metric_families(page)
        if one.name == "ratelord_http_request_duration_seconds"
    )
    examples = [s.exemplar for s in family.samples if s.labels.get("route") == "/v1/intent"]
    traces = {one.labels["trace_id"] for one in examples if one is not None}
    assert traces == {"4bf92f3577b34da6a3ce929d0e0e4736"}


def test_labels_are_few_whatever_strangers_send(page: str, shown: dict[str, set[str]]) -> None:
    labels = set().union(*shown.values())
    assert labels <= {
        "code", "decision", "le", "pool_id", "provider_id", "quantile", "reason_code", "route",
    }  # fmt: skip
    assert "/v1/nowhere" not in page
