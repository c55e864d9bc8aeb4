"""The Gemini provider: limits by configuration, and what refusals say."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord_core.clock import SystemClock
from ratelord_core.errors import ProviderFailed, SettingsError
from ratelord_core.headers import MODEL
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import SECOND
from ratelord_core.testing.enforcing import EnforcingGemini
from ratelord_core.testing.provider_contract import ProviderContract
from ratelord_gemini.plugin import GEMINI

NOW = 1_767_225_600 * SECOND


class TestGemini(ProviderContract):
    factory = GEMINI

    @pytest.fixture
    def config(self, serve: Any) -> ProviderConfig:
        options = {"base_url": serve(EnforcingGemini()), "mode": "probe"}
        return ProviderConfig(plugin="gemini", id="ge", options=options)


def test_days_begin_at_midnight_in_the_west(account) -> None:
    made = account(GEMINI, models={"gemini-x": {"requests": 15, "requests_per_day": 200}})
    minute, day = made.provider.pools()
    assert (minute.pool_id, minute.window.kind) == ("gemini-x/requests", "bucket")
    assert (day.pool_id, day.window.kind) == ("gemini-x/day/requests", "calendar")
    assert day.window.timezone == "America/Los_Angeles"


def test_what_a_refusal_says_is_of_the_pool_that_was_exceeded(account) -> None:
    made = account(GEMINI)
    name = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    headers = {
        MODEL: "gemini-x",
        "ratelimit-policy": f'"{name}";q=250',
        "ratelimit": f'"{name}";r=0;t=22',
    }
    (seen,) = made.provider.read_headers(headers, NOW)
    assert (seen.pool_id, seen.limit, seen.remaining) == ("gemini-x/day/requests", 250, 0)
    assert seen.reset_at == NOW + 22 * SECOND


def test_a_refused_probe_waits_as_long_as_retry_info_asks(account, serve) -> None:
    server = EnforcingGemini(requests=1)
    options = {"mode": "probe", "probe_completion": True, "models": {"gemini-x": None}}
    made = account(GEMINI, base_url=serve(server), **options)
    made.poll()
    with pytest.raises(ProviderFailed) as caught:
        made.poll()
    assert caught.value.kind == "rate_limited"
    assert caught.value.retry_after is not None
    assert 30 < caught.value.retry_after <= 60
    assert server.asked[0].headers["x-goog-api-key"] == "s3cret"


def test_vertex_is_asked_at_its_place_with_a_token(account, serve) -> None:
    server = EnforcingGemini()
    place = {"project": "acme", "location": "europe-west1"}
    account(GEMINI, base_url=serve(server), mode="probe", **place).poll()
    (asked,) = server.asked
    assert asked.path == "/v1/projects/acme/locations/europe-west1/models"
    assert asked.headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize(
    ("options", "said"),
    [({"project": "acme"}, "or neither"), ({"project": "a/b", "location": "x"}, "console")],
)
def test_a_place_is_named_whole(options, said) -> None:
    config = ProviderConfig(plugin="gemini", id="ge", options=options)
    with pytest.raises(SettingsError, match=said):
        GEMINI.build(config, lambda: None, SystemClock())
