"""What every provider plugin promises; inherit it and give it yours.

    class TestMine(ProviderContract):
        factory = MyFactory()

        @pytest.fixture
        def config(self):
            return ProviderConfig(plugin="mine", id="mine-1", options={"base_url": ...})

``config`` must lead to an account whose ``poll`` succeeds, again and again: start what answers it
in a fixture of your own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

import msgspec
import pytest

from ratelord_core.clock import Clock, SystemClock
from ratelord_core.errors import SettingsError
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import MINUTE
from ratelord_core.provider import PollRequest, PollResult, Provider, ProviderFactory
from ratelord_core.watch import Account

GARBAGE = ("", "-1", "1e400", "NaN", "٣", "9" * 400, "soon", "5000, 60", "\x00")
"""What no number in a header looks like."""


class ProviderContract:
    """The tests. Poll results are checked as the daemon checks them, by ``watch.Account``."""

    factory: ClassVar[ProviderFactory]

    @pytest.fixture
    def clock(self) -> Clock:
        """The account's clock; override it to turn it."""
        return SystemClock()

    @pytest.fixture
    def config(self) -> ProviderConfig:
        """A configuration whose polls succeed."""
        raise LookupError("a provider contract needs a fixture named config")

    @pytest.fixture
    def secret(self) -> Callable[[], str | None]:
        """What resolves the account's credential."""
        return lambda: "contract-secret"

    @pytest.fixture
    def provider(
        self, config: ProviderConfig, secret: Callable[[], str | None], clock: Clock
    ) -> Provider:
        """The account under test."""
        return self.factory.build(config, secret, clock)

    def test_the_factory_has_a_name_and_a_version(self) -> None:
        assert self.factory.name
        assert self.factory.version

    def test_building_an_account_does_not_touch_the_secret(
        self, config: ProviderConfig, clock: Clock
    ) -> None:
        self.factory.build(config, _untouchable, clock)

    def test_the_account_bears_the_configured_id(
        self, provider: Provider, config: ProviderConfig
    ) -> None:
        assert provider.provider_id == config.id

    def test_it_polls_in_the_configured_rhythm(
        self, config: ProviderConfig, secret: Callable[[], str | None], clock: Clock
    ) -> None:
        slow = msgspec.structs.replace(config, poll_interval=7 * MINUTE)
        assert self.factory.build(slow, secret, clock).poll_interval == 7 * MINUTE

    def test_an_unknown_option_is_refused_by_name(
        self, config: ProviderConfig, secret: Callable[[], str | None], clock: Clock
    ) -> None:
        options = {**config.options, "no_such_option": 1}
        odd = msgspec.structs.replace(config, options=options)
        with pytest.raises(SettingsError, match="no_such_option"):
            self.factory.build(odd, secret, clock)

    def test_its_pools_are_its_own_and_told_apart(self, provider: Provider) -> None:
        pools = _account(self.factory, provider).pools()
        assert len({pool.pool_id for pool in pools}) == len(pools)
        assert all(pool.unit for pool in pools)

    def test_a_poll_speaks_of_its_own_pools_at_a_time_that_has_come(
        self, provider: Provider, clock: Clock
    ) -> None:
        before = clock.now()
        result, *_ = self._poll(provider)
        assert before <= result.dated <= clock.now()
        assert all(seen.dated <= clock.now() for seen in result.observations)

    def test_every_pool_that_a_poll_reports_is_declared(self, provider: Provider) -> None:
        result, *_ = self._poll(provider)
        declared = {pool.pool_id for pool in (*provider.pools(), *result.pools)}
        assert {seen.pool_id for seen in result.observations} <= declared

    def test_the_next_poll_goes_on_from_the_state_of_the_last(self, provider: Provider) -> None:
        first, second = self._poll(provider, times=2)
        assert _pools(first) == _pools(second)

    def test_a_restarted_account_goes_on_from_the_state_of_the_last_poll(
        self,
        provider: Provider,
        config: ProviderConfig,
        secret: Callable[[], str | None],
        clock: Clock,
    ) -> None:
        first, *_ = self._poll(provider)
        again, *_ = self._poll(self.factory.build(config, secret, clock), state=first.state)
        assert _pools(first) == _pools(again)

    @pytest.mark.parametrize("state", ["{", "null", '{"from": "elsewhere"}', "\u2603" * 100])
    def test_a_state_that_it_never_wrote_does_not_stop_a_poll(
        self, provider: Provider, state: str
    ) -> None:
        self._poll(provider, state=state)

    def test_reading_headers_remembers_nothing(self, provider: Provider, clock: Clock) -> None:
        now = clock.now()
        headers = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "40"}
        account = _account(self.factory, provider)
        assert account.read_headers(headers, now) == account.read_headers(headers, now)

    def test_headers_without_limits_tell_nothing(self, provider: Provider, clock: Clock) -> None:
        account = _account(self.factory, provider)
        assert account.read_headers({}, clock.now()) == ()
        assert account.read_headers({"content-type": "text/html"}, clock.now()) == ()

    @pytest.mark.parametrize("value", GARBAGE)
    def test_headers_that_cannot_be_read_tell_nothing(
        self, provider: Provider, clock: Clock, value: str
    ) -> None:
        headers = {f"x-ratelimit-{name}": value for name in ("limit", "remaining", "used", "reset")}
        account = _account(self.factory, provider)
        assert account.read_headers({**headers, "retry-after": value}, clock.now()) == ()

    def test_closing_twice_is_closing_once(self, provider: Provider) -> None:
        async def close() -> None:
            await provider.aclose()
            await provider.aclose()

        asyncio.run(close())

    def _poll(self, provider: Provider, state: str = "", times: int = 1) -> list[PollResult]:
        """Poll that often in a row, each time with the state of the last; then close."""
        account = _account(self.factory, provider)

        async def poll() -> list[PollResult]:
            results: list[PollResult] = []
            try:
                for _ in range(times):
                    last = results[-1].state if results else state
                    settled = {pool.pool_id: 0 for pool in account.pools()}
                    results.append(await account.poll(PollRequest(last, settled)))
            finally:
                await provider.aclose()
            return results

        return asyncio.run(poll())


def _account(factory: ProviderFactory, provider: Provider) -> Account:
    return Account(provider, plugin=factory.name, version=factory.version)


def _pools(result: PollResult) -> set[str]:
    return {seen.pool_id for seen in result.observations}


def _untouchable() -> str | None:
    raise AssertionError(
        "the secret is resolved when a poll needs it, not when an account is built"
    )
