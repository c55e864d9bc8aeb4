"""A workspace's limits as they are listed: models of one group share them."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from ratelord_anthropic.plugin import ANTHROPIC
from ratelord_core.clock import SystemClock
from ratelord_core.errors import ProviderFailed, SettingsError
from ratelord_core.model.config import ProviderConfig


def entry(models: list[str] | None, kind: str = "model_group", **limits: Any) -> dict[str, Any]:
    return {
        "type": "workspace_rate_limit",
        "workspace_id": "wrkspc_1",
        "rate_limit_id": "rl_1",
        "group": {"id": "rlg_1", "type": kind},
        "models": models,
        "limits": [
            {"type": name, "value": value, "org_limit": None, "source": {"type": "workspace"}}
            for name, value in limits.items()
        ],
    }


PAGES = {
    "": (
        [
            entry(
                ["claude-sonnet-4-5-20250929", "claude-sonnet-4-5", "claude-sonnet-4-20250514"],
                requests_per_minute=100,
                input_tokens_per_minute_cache_aware=50_000,
                output_tokens_per_minute=10_000,
            ),
            entry(None, "batch", enqueued_batch_requests=1000),
        ],
        "p2",
    ),
    "p2": (
        [
            entry(["claude-haiku-4-5"], requests_per_minute=500, something_new=7),
            entry(["claude-odd"], requests_per_minute=-1),
            entry(["claude-odder"], requests_per_minute="many"),
        ],
        None,
    ),
}


class Administration:
    """Lists the limits of a workspace, page by page."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        self.asked.append(request.url.path)
        data, after = PAGES[request.query_params.get("page", "")]
        answer = JSONResponse({"data": data, "next_page": after})
        await answer(scope, receive, send)


LISTED = {"mode": "probe", "probe_limits": True}


def test_a_workspaces_limits_are_of_groups_of_models(account, serve) -> None:
    server = Administration()
    made = account(ANTHROPIC, base_url=serve(server), workspace_id="wrkspc_1", **LISTED)
    result = made.poll()
    assert {one.pool_id: one.limit for one in result.observations} == {
        "claude-sonnet-4/requests": 100,
        "claude-sonnet-4/input_tokens": 50_000,
        "claude-sonnet-4/output_tokens": 10_000,
        "claude-haiku-4-5/requests": 500,
    }
    pools = {pool.pool_id: pool for pool in result.pools}
    assert pools["claude-sonnet-4/requests"].models == ("claude-sonnet-4", "claude-sonnet-4-5")
    assert set(server.asked) == {"/v1/organizations/workspaces/wrkspc_1/rate_limits"}
    headers = {
        "x-ratelord-model": "claude-sonnet-4-5-20250929",
        "anthropic-ratelimit-requests-limit": "100",
        "anthropic-ratelimit-requests-remaining": "99",
    }
    (seen,) = made.provider.read_headers(headers, SystemClock().now())
    assert seen.pool_id == "claude-sonnet-4/requests", "what is listed is shared in passing too"


def test_without_a_workspace_they_are_the_organisations(account, serve) -> None:
    server = Administration()
    account(ANTHROPIC, base_url=serve(server), **LISTED).poll()
    assert set(server.asked) == {"/v1/organizations/rate_limits"}


def test_what_the_configuration_says_of_a_model_stays(account, serve) -> None:
    made = account(
        ANTHROPIC,
        base_url=serve(Administration()),
        models={"claude-sonnet*": {"requests": 5}},
        **LISTED,
    )
    told = {one.pool_id for one in made.poll().observations}
    assert "claude-sonnet/requests" in told
    assert "claude-sonnet-4/requests" not in told


def test_another_list_is_none(account, serve) -> None:
    made = account(ANTHROPIC, base_url=serve(JSONResponse({"data": {}})), **LISTED)
    with pytest.raises(ProviderFailed) as caught:
        made.poll()
    assert caught.value.kind == "malformed"


@pytest.mark.parametrize(
    "options",
    [
        {"probe_limits": True},
        {"probe_limits": 1},
        {"workspace_id": "wrkspc_1"},
        {"workspace_id": "a/b", **LISTED},
    ],
)
def test_a_wrong_option_is_named(options) -> None:
    with pytest.raises(SettingsError, match=r"probe_limits|workspace_id"):
        ANTHROPIC.build(
            ProviderConfig("anthropic", "an", options=options), lambda: None, SystemClock()
        )
