"""The provider keeps the contract of all providers, and understands what OpenRouter says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from ratelord_openrouter.plugin import OpenRouterFactory

from ratelord_core.clock import SystemClock
from ratelord_core.errors import ProviderFailed, SettingsError
from ratelord_core.model.config import ProviderConfig
from ratelord_core.provider import PollRequest, PollResult
from ratelord_core.testing.provider_contract import ProviderContract

SECRET = "sk-or-v1-secret"


def configured(url: str) -> ProviderConfig:
    return ProviderConfig(plugin="openrouter", id="router", options={"base_url": url})


class TestOpenRouter(ProviderContract):
    factory = OpenRouterFactory()

    @pytest.fixture
    def config(self, router: Any) -> ProviderConfig:
        return configured(router.url)

    @pytest.fixture
    def secret(self) -> Callable[[], str | None]:
        return lambda: SECRET


def poll(router: Any, secret: str | None = SECRET) -> PollResult:
    async def once() -> PollResult:
        clock = SystemClock()
        provider = OpenRouterFactory().build(configured(router.url), lambda: secret, clock)
        try:
            return await provider.poll(PollRequest())
        finally:
            await provider.aclose()

    return asyncio.run(once())


def test_dollars_become_millionths_on_the_cautious_side(router: Any) -> None:
    router.limit, router.spent = 5, 0.1015644762

    [seen] = poll(router).observations

    assert (seen.limit, seen.remaining, seen.used) == (5_000_000, 4_898_436, 101_564)
    router.body = b'{"data": {"usage": 0.1, "limit": 1, "limit_remaining": 0.0000019}}'
    assert poll(router).observations[0].remaining == 1


@pytest.mark.parametrize(
    ("reset", "kind", "unit"),
    [
        ("daily", "calendar", "day"),
        ("weekly", "calendar", "week"),
        ("monthly", "calendar", "month"),
        (None, "unbounded", None),
    ],
)
def test_the_window_is_the_keys(router: Any, reset: str | None, kind: str, unit: Any) -> None:
    router.reset = reset

    [pool] = poll(router).pools

    assert (pool.pool_id, pool.unit) == ("credits", "microusd")
    assert (pool.window.kind, pool.window.unit) == (kind, unit)


def test_a_key_without_a_limit_binds_nobody(router: Any) -> None:
    router.limit = None

    found = poll(router)

    assert found.observations == ()
    assert found.pools[0].limit is None


def test_who_spent_more_than_the_limit_has_nothing_left(router: Any) -> None:
    router.limit, router.spent = 10.0, 12.0

    [seen] = poll(router).observations

    assert (seen.remaining, seen.used) == (0, 10_000_000)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, None, "unauthorized"),
        (403, None, "forbidden"),
        (404, None, "malformed"),
        (429, None, "rate_limited"),
        (503, None, "server_error"),
        (302, None, "malformed"),
        (200, b"<html>maintenance</html>", "malformed"),
        (200, b"\xff\xfe", "malformed"),
        (200, b'{"data": {}}', "malformed"),
        (200, b'{"data": {"usage": "much"}}', "malformed"),
        (200, b'{"data": {"usage": 1, "limit": 5}}', "malformed"),
        (200, b'{"data": {"usage": 1, "limit": -5, "limit_remaining": 0}}', "malformed"),
        (200, b'{"data": {"usage": 1e300, "limit": 5, "limit_remaining": 1}}', "malformed"),
        (200, b'{"data": {"usage": 1, "limit_reset": "yearly"}}', "malformed"),
        (200, b" " * 2_000_000, "malformed"),
    ],
)
def test_a_bad_answer_is_a_failure_of_its_kind(
    router: Any, status: int, body: bytes | None, kind: str
) -> None:
    router.status, router.body = status, body

    with pytest.raises(ProviderFailed) as failed:
        poll(router)

    assert failed.value.kind == kind
    assert SECRET not in str(failed.value)


def test_a_redirect_does_not_take_the_key_along(router: Any) -> None:
    router.status = 302

    with pytest.raises(ProviderFailed):
        poll(router)

    assert router.asked == [("/key", f"Bearer {SECRET}")]


@pytest.mark.parametrize("secret", [None, "", "two\nlines"])
def test_without_a_key_that_can_be_sent_nothing_is_asked(router: Any, secret: str | None) -> None:
    with pytest.raises(ProviderFailed) as failed:
        poll(router, secret)

    assert failed.value.kind == "settings"
    assert router.asked == []


@pytest.mark.parametrize("url", ["http://openrouter.ai/api/v1", "ftp://x", "https://"])
def test_an_address_that_would_show_the_key_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="base_url"):
        OpenRouterFactory().build(configured(url), lambda: None, SystemClock())
