"""The OpenAI provider against a server that enforces what it tells."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord_core.clock import SystemClock
from ratelord_core.errors import ProviderFailed, SettingsError
from ratelord_core.headers import MODEL
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import DAY, MINUTE, SECOND
from ratelord_core.testing.enforcing import EnforcingOpenai
from ratelord_core.testing.provider_contract import ProviderContract
from ratelord_openai.plugin import OPENAI

NOW = 1_767_225_600 * SECOND
TOLD = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-tokens": "30000",
    "x-ratelimit-remaining-tokens": "29000",
    "x-ratelimit-reset-tokens": "2s",
}


class TestOpenai(ProviderContract):
    factory = OPENAI

    @pytest.fixture
    def config(self, serve: Any) -> ProviderConfig:
        url = serve(EnforcingOpenai()) + "/v1"
        options = {"base_url": url, "mode": "probe", "models": {"gpt-x": {"requests": 5}}}
        return ProviderConfig(plugin="openai", id="oa", options=options)


def pools_of(account: Any) -> dict[str, Any]:
    return {pool.pool_id: pool for pool in account.provider.pools()}


def test_each_model_has_pools_of_its_own(account) -> None:
    made = account(
        OPENAI,
        models={
            "gpt-x": {
                "requests": 500,
                "tokens": 30000,
                "requests_per_day": 10000,
                "batch_tokens": 9,
            },
            "gpt-y*": {"tokens": 7, "also": ["o9"]},
        },
        account_limits={"tokens": 100_000},
    )
    pools = pools_of(made)
    assert set(pools) == {
        "gpt-x/requests", "gpt-x/tokens", "gpt-x/day/requests", "gpt-x/batch_tokens",
        "gpt-y/tokens", "account_limits/tokens",
    }  # fmt: skip
    assert pools["gpt-x/tokens"].window.kind == "bucket"
    assert pools["gpt-x/tokens"].window.every == MINUTE
    assert pools["gpt-x/day/requests"].window.every == DAY
    assert pools["gpt-x/day/requests"].short_key == "acc/requests"
    assert pools["gpt-x/batch_tokens"].window.kind == "concurrency"
    assert not pools["gpt-x/batch_tokens"].default
    assert pools["gpt-y/tokens"].models == ("gpt-y*", "o9")
    assert pools["account_limits/tokens"].models == ("*",)


@pytest.mark.parametrize(
    ("model", "pool"),
    [("gpt-x", "gpt-x"), ("gpt-x-2026-01-31", "gpt-x"), ("gpt-y-pro", "gpt-y"), ("other", "other")],
)
def test_headers_tell_of_the_pools_of_the_model_that_answered(account, model, pool) -> None:
    made = account(OPENAI, models={"gpt-x": {"requests": 500}, "gpt-y*": {"tokens": 7}})
    for header in ("openai-model", MODEL):
        seen = {
            one.pool_id: one for one in made.provider.read_headers({**TOLD, header: model}, NOW)
        }
        assert set(seen) == {f"{pool}/requests", f"{pool}/tokens"}
        assert (seen[f"{pool}/tokens"].limit, seen[f"{pool}/tokens"].remaining) == (30000, 29000)
        described = made.provider.describe(f"{pool}/tokens")
        assert described is not None
        assert described.default
        assert described.window.kind == "bucket"


def test_headers_of_nobody_knows_which_model_tell_nothing(account) -> None:
    two = account(OPENAI, models={"gpt-x": {"requests": 5}, "gpt-y": {"requests": 5}})
    assert two.provider.read_headers(TOLD, NOW) == ()
    one = account(OPENAI, models={"gpt-x": {"requests": 5}})
    assert len(one.provider.read_headers(TOLD, NOW)) == 2


def test_requests_per_day_are_known_by_how_slowly_they_come_back(account) -> None:
    made = account(OPENAI)
    headers = {
        "openai-model": "gpt-x",
        "x-ratelimit-limit-requests": "200",
        "x-ratelimit-remaining-requests": "199",
        "x-ratelimit-reset-requests": "7m12s",
    }
    (seen,) = made.provider.read_headers(headers, NOW)
    assert (seen.pool_id, seen.window_every) == ("gpt-x/day/requests", DAY)


def test_a_project_has_limits_of_its_own(account) -> None:
    headers = {
        "openai-model": "gpt-x",
        "x-ratelimit-limit-project-tokens": "5000",
        "x-ratelimit-remaining-project-tokens": "100",
        "x-ratelimit-reset-project-tokens": "58.8s",
    }
    made = account(OPENAI)
    (seen,) = made.provider.read_headers(headers, NOW)
    assert seen.pool_id == "gpt-x/project/tokens"
    assert made.provider.describe(seen.pool_id).short_key == "acc/tokens"


def test_manual_mode_believes_the_configuration_only(account) -> None:
    made = account(OPENAI, mode="manual", models={"gpt-x": {"requests": 5}})
    assert made.provider.read_headers({**TOLD, "openai-model": "gpt-x"}, NOW) == ()
    assert made.poll().observations == ()


def test_passive_mode_asks_nobody(account, serve) -> None:
    server = EnforcingOpenai()
    made = account(OPENAI, base_url=serve(server) + "/v1")
    assert made.poll().next_poll == DAY
    assert server.asked == []


def test_a_probe_asks_for_the_models_and_completes_one_token_only_if_told_to(
    account, serve
) -> None:
    server = EnforcingOpenai()
    url = serve(server) + "/v1"
    cheap = account(OPENAI, base_url=url, mode="probe", org_id="org-1", project_id="proj_1")
    assert cheap.poll().observations == ()
    (asked,) = server.asked
    assert asked.path == "/v1/models"
    assert asked.headers["authorization"] == "Bearer s3cret"
    assert (asked.headers["openai-organization"], asked.headers["openai-project"]) == (
        "org-1",
        "proj_1",
    )
    assert server.accepted == 0
    dear = account(
        OPENAI, base_url=url, mode="probe", probe_completion=True, probe_models=["gpt-x"]
    )
    result = dear.poll()
    assert server.accepted == 1
    assert {one.pool_id: one.remaining for one in result.observations}["gpt-x/requests"] == 99
    assert {pool.pool_id for pool in result.pools} == {"gpt-x/requests", "gpt-x/tokens"}


def test_azure_is_asked_by_deployment_and_key(account, serve) -> None:
    server = EnforcingOpenai()
    made = account(
        OPENAI,
        base_url=serve(server),
        mode="probe",
        azure_api_version="2024-10-21",
        probe_completion=True,
        probe_models=["my-gpt"],
    )
    made.poll()
    assert [one.path for one in server.asked] == [
        "/openai/models",
        "/openai/deployments/my-gpt/chat/completions",
    ]
    assert server.asked[0].headers["api-key"] == "s3cret"
    assert "authorization" not in server.asked[0].headers


def failure(account: Any) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as caught:
        account.poll()
    return caught.value


def test_no_credit_is_no_rate_limit(account, serve) -> None:
    server = EnforcingOpenai()
    made = account(
        OPENAI,
        base_url=serve(server) + "/v1",
        mode="probe",
        probe_completion=True,
        probe_models=["gpt-x"],
    )
    server.no_credit = True
    error = failure(made)
    assert (error.kind, error.retry_after) == ("forbidden", 3600.0)
    server.no_credit = False
    server.of("gpt-x")["requests"].take(100)
    limited = failure(made)
    assert limited.kind == "rate_limited"
    assert limited.retry_after is not None
    assert limited.retry_after < 61


@pytest.mark.parametrize(("what", "kind"), [("down", "server_error"), ("keys", "unauthorized")])
def test_failures_have_their_names(account, serve, what, kind) -> None:
    server = EnforcingOpenai()
    made = account(OPENAI, base_url=serve(server) + "/v1", mode="probe")
    setattr(server, what, True if what == "down" else frozenset({"other"}))
    error = failure(made)
    assert error.kind == kind
    assert "s3cret" not in str(error)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mode": "guess"}, "mode"),
        ({"mode": "manual"}, "under models"),
        ({"base_url": "http://api.example.com"}, "use https"),
        ({"base_url": "https://u:p@api.example.com"}, "credentials"),
        ({"probe_completion": "yes"}, "true or false"),
        ({"probe_completion": True}, "name a model"),
        ({"probe_models": "gpt-x"}, "list of models"),
        ({"models": {"gpt x": {}}}, "a model's name"),
        ({"models": {"gpt-x": {"request": 5}}}, "did you mean 'requests'"),
        ({"models": {"gpt-x": {"tokens": -1}}}, "whole number"),
        ({"models": {"gpt-x": {"also": "o9"}}}, "list of models"),
        ({"models": {"gpt-x": 500}}, "give limits"),
        ({"models": [1]}, "limits by model"),
        ({"timeout": "1h"}, "100ms to 60s"),
        ({"org_id": "a\nb"}, "console"),
        ({"azure_api_version": "2024-10-21"}, "your resource's address"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_right(options, said) -> None:
    config = ProviderConfig(plugin="openai", id="oa", options=options)
    with pytest.raises(SettingsError, match=said):
        OPENAI.build(config, lambda: None, SystemClock())
