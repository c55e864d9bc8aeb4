"""What no response tells: a project's limits by model, batches that wait, images and audio."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from ratelord_core.clock import SystemClock
from ratelord_core.errors import ProviderFailed, SettingsError
from ratelord_core.model.config import ProviderConfig
from ratelord_core.testing.table import Table
from ratelord_openai.plugin import OPENAI

LISTED = [
    {
        "object": "project.rate_limit",
        "id": "rl-x",
        "model": "gpt-x",
        "max_requests_per_1_minute": 500,
        "max_tokens_per_1_minute": 30_000,
        "batch_1_day_max_input_tokens": 90_000,
    },
    {
        "object": "project.rate_limit",
        "id": "rl-i",
        "model": "gpt-image-x",
        "max_requests_per_1_minute": 50,
        "max_tokens_per_1_minute": 100_000,
        "max_images_per_1_minute": 5,
    },
    {
        "object": "project.rate_limit",
        "id": "rl-a",
        "model": "whisper-x",
        "max_requests_per_1_minute": 50,
        "max_tokens_per_1_minute": 0,
        "max_audio_megabytes_per_1_minute": 20,
        "max_requests_per_1_day": 1000,
    },
    {
        "object": "project.rate_limit",
        "id": "rl-b",
        "model": "broken-x",
        "max_requests_per_1_minute": -1,
        "max_tokens_per_1_minute": 7,
    },
]


class Administration:
    """Lists the limits of a project, two a page, to whoever has the administrator's key."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        self.asked.append(f"{request.url.path}?{request.url.query}")
        ids = [one["id"] for one in LISTED]
        start = ids.index(after) + 1 if (after := request.query_params.get("after")) else 0
        page = LISTED[start : start + 2]
        said = {
            "object": "list",
            "data": page,
            "has_more": start + 2 < len(LISTED),
            "last_id": page[-1]["id"],
        }
        known = request.headers["authorization"] == "Bearer s3cret"
        answer = JSONResponse(said) if known else JSONResponse({"error": {}}, 401)
        await answer(scope, receive, send)


PROJECT = {"mode": "probe", "probe_limits": True, "project_id": "proj_1"}


def test_a_projects_limits_are_asked_for_page_by_page(account, serve) -> None:
    server = Administration()
    made = account(OPENAI, base_url=serve(server) + "/v1", **PROJECT)
    result = made.poll()
    assert {one.pool_id: one.limit for one in result.observations} == {
        "gpt-x/requests": 500,
        "gpt-x/tokens": 30_000,
        "gpt-x/batch_tokens": 90_000,
        "gpt-image-x/requests": 50,
        "gpt-image-x/tokens": 100_000,
        "gpt-image-x/images": 5,
        "whisper-x/requests": 50,
        "whisper-x/tokens": 0,
        "whisper-x/audio_megabytes": 20,
        "whisper-x/day/requests": 1000,
    }
    pools = {pool.pool_id: pool for pool in result.pools}
    assert pools["gpt-image-x/images"].unit == "images"
    assert pools["whisper-x/audio_megabytes"].unit == "megabytes"
    assert not pools["whisper-x/audio_megabytes"].default
    place = "/v1/organization/projects/proj_1/rate_limits?limit=100"
    assert server.asked == [place, f"{place}&after=rl-i"]


def test_a_key_that_is_no_administrators_is_refused(account, serve) -> None:
    made = account(OPENAI, secret="other", base_url=serve(Administration()) + "/v1", **PROJECT)
    with pytest.raises(ProviderFailed) as caught:
        made.poll()
    assert caught.value.kind == "unauthorized"


@pytest.mark.parametrize(
    "options",
    [{"probe_limits": True}, {"probe_limits": True, "mode": "probe"}, {"probe_limits": "yes"}],
)
def test_they_need_a_project_and_to_be_asked_for(options) -> None:
    with pytest.raises(SettingsError, match="probe_limits"):
        OPENAI.build(ProviderConfig("openai", "oa", options=options), lambda: None, SystemClock())


BATCHES = """
providers: {openai: [{id: oa, mode: manual, models: {gpt-x: {batch_tokens: 90000, images: 5, requests: 10}}}]}
workloads:
  nightly: {consumes: {oa/gpt-x/batch_tokens: 1}}
  paint: {consumes: {oa/gpt-x/images: 1, oa/gpt-x/requests: 1}}
"""


@pytest.fixture
def table() -> Table:
    table = Table(BATCHES)
    made = table.engine.policy.document.providers[0]
    built = OPENAI.build(made, lambda: None, table.clock)
    table.engine.observer.declare(built.pools(), table.now)
    return table


def test_what_is_enqueued_waits_until_a_batch_ends(table) -> None:
    def enqueue(tokens: int) -> Any:
        costs = {"oa/gpt-x/batch_tokens": float(tokens)}
        return table.ask("nightly", costs=costs, duration=86_400_000_000, max_wait=0)

    first = enqueue(60_000)
    assert first.allowed
    assert not enqueue(40_000).allowed
    table.pass_time(3600)
    assert not enqueue(40_000).allowed, "a batch takes hours"
    table.report(first.intent_id)
    assert enqueue(40_000).allowed


def test_images_are_counted_apart_from_requests(table) -> None:
    costs = {"oa/gpt-x/images": 5.0}
    assert table.ask("paint", costs=costs).allowed
    assert table.figures("oa/gpt-x/images").available == 0
    assert table.figures("oa/gpt-x/requests").held == 1
