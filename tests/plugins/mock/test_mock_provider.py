"""What the mock reports, keeps over restarts, and is told to report."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.clock import SteppedClock
from ratelord_core.errors import InvalidRequest, NotFound, ProviderFailed
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import HOUR, MINUTE, SECOND, from_text
from ratelord_core.model.observation import Observation
from ratelord_core.provider import Injectable, PollRequest, PollResult
from ratelord_mock.plugin import MockFactory
from ratelord_mock.provider import MockProvider


class Account:
    """A mock account that is polled as the watcher would, on a clock that is turned by hand."""

    def __init__(self, **options: Any) -> None:
        self.clock = SteppedClock()
        self.config = ProviderConfig(plugin="mock", id="m", options=options)
        self.state = ""
        self.settled: dict[str, int] = {}
        self.provider = self.built()

    def built(self) -> MockProvider:
        provider = MockFactory().build(self.config, lambda: None, self.clock)
        assert isinstance(provider, MockProvider)
        return provider

    def restart(self) -> None:
        self.provider = self.built()

    def poll(self) -> PollResult:
        result = anyio.run(self.provider.poll, PollRequest(self.state, dict(self.settled)))
        self.state = result.state
        return result

    def seen(self, pool: str = "default") -> Observation:
        return next(one for one in self.poll().observations if one.pool_id == pool)

    def used_after(self, span: int, settled: int = 0) -> int | None:
        self.clock.advance(span)
        self.settled["default"] = self.settled.get("default", 0) + settled
        return self.seen().used


def pool(limit: int | None = 100, used: int | None = None, **window: Any) -> dict[str, Any]:
    return {"default": {"limit": limit, "used": used, "window": window or {"every": "60s"}}}


def test_without_options_there_is_one_pool_of_a_thousand_a_minute() -> None:
    account = Account()
    (only,) = account.provider.pools()
    assert (only.key, only.limit, only.unit, only.default) == ("m/default", 1000, "requests", True)
    assert (only.window.kind, only.window.every) == ("fixed", MINUTE)


def test_a_poll_tells_limit_and_reset_but_no_use_that_nobody_set() -> None:
    account = Account()
    start = account.clock.now()
    account.settled["default"] = 40
    seen = account.seen()
    assert (seen.limit, seen.used, seen.reset_at) == (1000, None, start + MINUTE)
    assert (seen.dated, seen.window_every, seen.unit) == (start, MINUTE, "requests")


def test_the_window_starts_at_the_first_poll_and_is_kept_over_restarts() -> None:
    account = Account()
    first = account.seen().reset_at
    account.clock.advance(50 * SECOND)
    account.restart()
    assert account.seen().reset_at == first
    account.clock.advance(MINUTE)
    account.restart()
    assert account.seen().reset_at == first + MINUTE


def test_a_reset_brings_the_next_poll_forward() -> None:
    account = Account()
    assert account.poll().next_poll is None
    account.clock.advance(58 * SECOND)
    assert account.poll().next_poll == 2 * SECOND + SECOND // 1000


def test_a_seeded_pool_counts_what_is_settled_from_its_first_poll_on() -> None:
    account = Account(pools=pool(used=10))
    account.settled["default"] = 1000
    assert account.seen().used == 10
    assert account.used_after(10 * SECOND, settled=5) == 15
    account.restart()
    assert account.used_after(10 * SECOND, settled=1) == 16


def test_an_injection_is_reported_from_the_next_poll_on_and_counted_from() -> None:
    account = Account()
    account.seen()
    account.settled["default"] = 300
    account.provider.inject("default", 90, None)
    assert account.seen().used == 90
    assert account.used_after(5 * SECOND, settled=4) == 94


def test_an_injection_of_a_limit_stays_over_restarts_and_leaves_use_alone() -> None:
    account = Account()
    account.provider.inject("default", None, 250)
    seen = account.seen()
    assert (seen.limit, seen.used) == (250, None)
    account.restart()
    assert account.seen().limit == 250
    account.provider.inject("default", 7, None)
    seen = account.seen()
    assert (seen.limit, seen.used) == (250, 7)


def test_injections_before_the_next_poll_add_up() -> None:
    account = Account()
    account.provider.inject("default", 7, None)
    account.provider.inject("default", None, 70)
    seen = account.seen()
    assert (seen.used, seen.limit) == (7, 70)


def test_an_injection_waits_for_a_poll_that_succeeds() -> None:
    account = Account(failures=[1])
    account.provider.inject("default", 7, None)
    with pytest.raises(ProviderFailed):
        account.poll()
    assert account.seen().used == 7


def test_the_count_is_zero_again_at_the_windows_reset() -> None:
    account = Account(pools=pool(used=10))
    account.seen()
    assert account.used_after(59 * SECOND, settled=3) == 13
    assert account.used_after(SECOND + 1000) == 0
    assert account.used_after(SECOND, settled=2) == 2


def test_units_settled_around_a_missed_reset_are_shared_out_by_time() -> None:
    account = Account(pools=pool(used=10))
    account.seen()
    account.used_after(50 * SECOND)
    assert account.used_after(40 * SECOND, settled=80) == 60


def test_a_calendar_window_resets_at_the_local_boundary() -> None:
    account = Account(pools=pool(used=5, kind="calendar", every="day", timezone="Europe/Madrid"))
    account.clock.move_to(from_text("2026-03-28T22:30:00Z"))
    seen = account.seen()
    assert (seen.used, seen.reset_at) == (5, from_text("2026-03-28T23:00:00Z"))
    account.clock.advance(HOUR)
    seen = account.seen()
    assert (seen.used, seen.reset_at) == (0, from_text("2026-03-29T22:00:00Z"))


def test_a_sliding_window_forgets_each_spend_when_it_is_old() -> None:
    account = Account(pools=pool(used=10, kind="sliding", every="60s"))
    assert account.seen().reset_at is None
    assert account.used_after(20 * SECOND, settled=5) == 15
    assert account.used_after(39 * SECOND) == 15
    assert account.used_after(SECOND) == 5
    assert account.used_after(20 * SECOND) == 0


def test_a_sliding_window_remembers_a_bounded_number_of_spends() -> None:
    account = Account(pools=pool(used=0, kind="sliding", every="1h"))
    account.seen()
    for _ in range(200):
        account.used_after(SECOND, settled=1)
    assert account.seen().used == 200
    assert len(account.state) < 3000


def test_a_bucket_drains_at_its_rate_without_losing_fractions() -> None:
    account = Account(pools=pool(limit=60, used=30, kind="bucket", every="60s"))
    account.seen()
    for _ in range(40):
        account.used_after(SECOND // 4)
    assert account.seen().used == 20
    assert account.used_after(10 * SECOND, settled=15) == 25
    assert account.used_after(HOUR) == 0


def test_a_concurrency_pool_reports_what_was_injected_only() -> None:
    account = Account(pools=pool(limit=8, used=2, kind="concurrency"))
    account.seen()
    assert account.used_after(SECOND, settled=5) == 2


def test_an_unbounded_pool_counts_and_has_neither_limit_nor_reset() -> None:
    account = Account(pools=pool(limit=None, used=0, kind="unbounded"))
    account.seen()
    assert account.used_after(HOUR, settled=5) == 5
    seen = account.seen()
    assert (seen.limit, seen.reset_at) == (None, None)


def test_a_single_known_reset_is_told_until_it_has_passed() -> None:
    anchor = SteppedClock().now() + MINUTE
    account = Account(pools=pool(used=5, kind="fixed", reset_at="2026-01-01T00:01:00Z"))
    assert account.seen().reset_at == anchor
    account.clock.advance(MINUTE)
    seen = account.seen()
    assert (seen.used, seen.reset_at) == (0, None)


@given(st.lists(st.tuples(st.integers(0, 90 * SECOND), st.integers(0, 50)), max_size=12))
def test_use_never_exceeds_what_was_seeded_and_settled(steps: list[tuple[int, int]]) -> None:
    account = Account(pools=pool(used=10))
    account.seen()
    for span, settled in steps:
        account.clock.advance(span)
        account.settled["default"] = account.settled.get("default", 0) + settled
        if span % 3 == 0:
            account.restart()
        seen = account.seen()
        assert seen.used is not None
        assert seen.reset_at is not None
        assert 0 <= seen.used <= 10 + account.settled["default"]
        assert account.clock.now() < seen.reset_at <= account.clock.now() + MINUTE


def test_the_same_configuration_and_history_give_the_same_polls() -> None:
    def play() -> list[PollResult]:
        account = Account(pools=pool(used=10), seed=3)
        results = []
        for step in range(5):
            account.clock.advance(17 * SECOND)
            account.settled["default"] = step * 3
            results.append(account.poll())
        return results

    assert play() == play()


def test_it_is_injectable_and_refuses_what_makes_no_sense() -> None:
    provider = Account().provider
    assert isinstance(provider, Injectable)
    with pytest.raises(NotFound, match="no pool 'nope'; it has default"):
        provider.inject("nope", 1, None)
    with pytest.raises(InvalidRequest, match="usage is -1"):
        provider.inject("default", -1, None)
    with pytest.raises(InvalidRequest, match="limit is"):
        provider.inject("default", None, 2**53)


def test_headers_speak_of_the_only_pool_or_of_the_one_they_name() -> None:
    provider = Account().provider
    headers = {"x-ratelimit-limit": "9", "x-ratelimit-remaining": "4"}
    assert provider.read_headers(headers, 5) == (
        Observation("m", "default", 5, limit=9, remaining=4),
    )
    assert provider.read_headers({**headers, "x-ratelimit-resource": "nope"}, 5) == ()
    two = Account(pools={"a": {"limit": 1}, "b": {"limit": 1}}).provider
    assert two.read_headers(headers, 5) == ()
    assert two.read_headers({**headers, "x-ratelimit-resource": "b"}, 5)[0].pool_id == "b"


def test_latency_delays_the_answer_but_not_its_date() -> None:
    account = Account(latency="1ms", jitter="1ms")
    assert account.poll().dated == account.clock.now()
