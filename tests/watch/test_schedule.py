"""When an account is polled next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.clock import SeededEntropy
from ratelord_core.model.instant import DAY, MINUTE, SECOND
from ratelord_core.watch.schedule import Schedule, draw

NOW = 1_700_000_000 * SECOND
intervals = st.integers(SECOND // 5, 6 * 60 * MINUTE)
chances = st.floats(0, 1, exclude_max=True)


@given(intervals, chances)
def test_a_healthy_poll_comes_within_a_twentieth_of_the_interval(interval, chance) -> None:
    due = Schedule(interval).after_success(NOW, chance)
    assert abs(due - NOW - interval) <= interval / 20 + 1


@given(intervals, chances, st.integers(0, 10 * DAY))
def test_what_the_provider_asks_for_overrides_the_interval_within_bounds(
    interval, chance, asked
) -> None:
    due = Schedule(interval).after_success(NOW, chance, asked)
    assert due == NOW + min(max(asked, SECOND // 10), DAY)


@given(intervals, chances, st.integers(1, 10_000))
def test_backoff_grows_with_failures_and_never_beyond_its_cap(interval, chance, failures) -> None:
    schedule = Schedule(interval)
    wait = schedule.after_failure(NOW, failures, chance) - NOW
    after = schedule.after_failure(NOW, failures + 1, chance) - NOW
    assert SECOND // 10 <= wait <= after <= 5 * MINUTE


@given(intervals, chances, chances)
def test_two_chances_differ_by_at_most_half_of_a_step(interval, one, other) -> None:
    schedule = Schedule(interval)
    waits = [schedule.after_failure(NOW, 6, chance) - NOW for chance in (one, other)]
    assert max(waits) <= 2 * min(waits) + 1


@given(intervals, chances, st.integers(1, 100), st.floats(0, 86_400))
def test_no_poll_comes_before_the_provider_allows_one(
    interval, chance, failures, retry_after
) -> None:
    due = Schedule(interval).after_failure(NOW, failures, chance, retry_after)
    assert due >= NOW + int(retry_after * SECOND)


@given(chances, st.sampled_from([1e12, float("inf"), -5.0]))
def test_an_absurd_retry_after_is_believed_for_a_day_at_most(chance, retry_after) -> None:
    due = Schedule(MINUTE).after_failure(NOW, 1, chance, retry_after)
    assert NOW < due <= NOW + DAY + 2 * SECOND


def test_a_first_failure_is_retried_soon() -> None:
    assert Schedule(MINUTE).after_failure(NOW, 1, 0.5) - NOW <= 2 * SECOND


def test_the_same_seed_draws_the_same_chances() -> None:
    one, other = SeededEntropy(3), SeededEntropy(3)
    drawn = [draw(one) for _ in range(100)]
    assert drawn == [draw(other) for _ in range(100)]
    assert all(0 <= chance < 1 for chance in drawn)
