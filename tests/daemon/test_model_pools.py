"""Limits of models: drawn from by those who name the model, known from what passes by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from ratelord_core.testing.desk import Desk, desks, patiently

POLICY = """
providers:
  openai:
    - id: openai
      models:
        gpt-x: {requests: 100, tokens: 1000, tokens_per_day: 5000}
        gpt-y: {requests: 100}
pricing: {openai: {gpt-x-input: 1000, gpt-x-cached: 100, gpt-x-output: 4000}}
pools: [{id: budget, unit: microusd, limit: 1000000, window: {kind: calendar, every: day}}]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desks(tmp_path_factory.mktemp("models"), POLICY) as begin:
        desk = begin()
        patiently(lambda: httpx2.get(f"{desk.daemon.url}/v1/health/ready", timeout=60).is_success)
        yield desk


def held(answer: dict[str, Any]) -> dict[str, int]:
    return {f"{one['provider_id']}/{one['pool_id']}": one["units"] for one in answer["holds"]}


def test_an_intent_draws_from_the_pools_of_the_model_that_it_names(desk: Any) -> None:
    costs = {"openai/tokens": 300, "openai/input_tokens": 200, "openai/output_tokens": 100}
    answer = desk.ask(provider_id="openai", model="gpt-x-2026-01-31", costs=costs)
    assert answer["warnings"] == []
    assert held(answer) == {
        "local/budget": 600,
        "openai/gpt-x/requests": 1,
        "openai/gpt-x/tokens": 300,
        "openai/gpt-x/day/tokens": 300,
    }
    other = desk.ask(provider_id="openai", model="gpt-y")
    assert set(held(other)) == {"local/budget", "openai/gpt-y/requests"}
    unknown = desk.ask(provider_id="openai", model="gpt-z")
    assert set(held(unknown)) == {"local/budget"}
    assert "gpt-z" in unknown["warnings"][0]


def test_a_report_settles_them_and_cached_tokens_are_cheaper(desk: Any) -> None:
    answer = desk.ask(provider_id="openai", model="gpt-x", costs={"openai/tokens": 300})
    counted = {"input_tokens": 100, "cached_tokens": 100, "output_tokens": 50, "tokens": 250}
    body = {"costs": {f"openai/{name}": units for name, units in counted.items()}}
    told = desk.post(f"/v1/intents/{answer['intent_id']}/report", body).json()
    settled = {one["pool_id"]: one["settled"] for one in told["settled"]}
    assert settled["gpt-x/tokens"] == 250
    assert settled["gpt-x/day/tokens"] == 250
    assert settled["gpt-x/requests"] == 1
    assert settled["budget"] == 100 + 10 + 200


def test_a_model_that_nobody_configured_is_known_from_its_first_response(desk: Any) -> None:
    headers = {
        "x-ratelord-model": "gpt-new-2026-01-31",
        "x-ratelimit-limit-tokens": "3000",
        "x-ratelimit-remaining-tokens": "2500",
        "x-ratelimit-reset-tokens": "10s",
    }
    body = {"provider_id": "openai", "headers": headers}
    assert desk.post("/v1/observations", body).json()["pools"] == ["openai/gpt-new/tokens"]
    answer = desk.ask(provider_id="openai", model="gpt-new", costs={"openai/tokens": 100})
    assert held(answer)["openai/gpt-new/tokens"] == 100
    pool = desk.get("/v1/pools/openai/gpt-new%2Ftokens")
    assert (pool["limit"], pool["window"]["kind"]) == (3000, "bucket")


def test_headers_that_make_no_sense_are_counted(desk: Any) -> None:
    headers = {"x-ratelord-model": "gpt-x", "x-ratelimit-remaining-tokens": "-5"}
    body = {"provider_id": "openai", "headers": headers}
    assert desk.post("/v1/observations", body).json()["pools"] == []
    assert desk.get("/v1/health")["providers"]["openai"]["headers_ignored"] == 1
