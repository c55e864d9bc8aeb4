"""The Anthropic provider against a server that enforces what it tells."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord_anthropic.plugin import ANTHROPIC
from ratelord_core.clock import SystemClock
from ratelord_core.errors import ProviderFailed, SettingsError
from ratelord_core.headers import MODEL
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import SECOND
from ratelord_core.testing.enforcing import EnforcingAnthropic
from ratelord_core.testing.provider_contract import ProviderContract

NOW = 1_767_225_600 * SECOND


class TestAnthropic(ProviderContract):
    factory = ANTHROPIC

    @pytest.fixture
    def config(self, serve: Any) -> ProviderConfig:
        models = {"claude-x": {"requests": 50}}
        options = {"base_url": serve(EnforcingAnthropic()), "mode": "probe", "models": models}
        return ProviderConfig(plugin="anthropic", id="an", options=options)


def test_input_and_output_tokens_are_pools_apart(account, serve) -> None:
    server = EnforcingAnthropic()
    made = account(
        ANTHROPIC,
        base_url=serve(server),
        mode="probe",
        probe_completion=True,
        models={"claude-x": None},
    )
    seen = {one.pool_id: one for one in made.poll().observations}
    assert seen["claude-x/input_tokens"].remaining == 39_999
    assert seen["claude-x/output_tokens"].limit == 8000
    assert seen["claude-x/requests"].remaining == 49
    assert server.asked[-1].headers["x-api-key"] == "s3cret"
    assert server.asked[-1].headers["anthropic-version"] == "2023-06-01"


def test_a_class_of_models_shares_its_limits_and_a_workspace_has_its_own_above(account) -> None:
    made = account(
        ANTHROPIC,
        models={"claude-sonnet-4*": {"input_tokens": 30000}},
        account_limits={"input_tokens": 50000},
    )
    assert [pool.pool_id for pool in made.provider.pools()] == [
        "claude-sonnet-4/input_tokens",
        "account_limits/input_tokens",
    ]
    headers = {
        MODEL: "claude-sonnet-4-5-20250929",
        "anthropic-ratelimit-input-tokens-limit": "30000",
        "anthropic-ratelimit-input-tokens-remaining": "29000",
        "anthropic-ratelimit-input-tokens-reset": "2026-01-01T00:00:02Z",
    }
    (seen,) = made.provider.read_headers(headers, NOW)
    assert (seen.pool_id, seen.remaining) == ("claude-sonnet-4/input_tokens", 29000)


@pytest.mark.parametrize(
    ("change", "kind", "wait"),
    [
        ("requests", "rate_limited", 60),
        ("down", "server_error", None),
        ("keys", "unauthorized", None),
    ],
)
def test_failures_have_their_names(account, serve, change, kind, wait) -> None:
    server = EnforcingAnthropic(requests=1)
    options = {"mode": "probe", "probe_completion": True, "models": {"claude-x": None}}
    made = account(ANTHROPIC, base_url=serve(server), **options)
    if change == "requests":
        made.poll()
    else:
        setattr(server, change, True if change == "down" else frozenset({"other"}))
    with pytest.raises(ProviderFailed) as caught:
        made.poll()
    assert caught.value.kind == kind
    assert (caught.value.retry_after is None) == (wait is None)


def test_a_version_of_the_api_is_a_date() -> None:
    config = ProviderConfig(plugin="anthropic", id="an", options={"api_version": "latest"})
    with pytest.raises(SettingsError, match="give a date"):
        ANTHROPIC.build(config, lambda: None, SystemClock())
