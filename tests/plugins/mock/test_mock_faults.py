"""Polls fail by number or by a seeded share, always the same ones."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from ratelord_core.clock import SteppedClock
from ratelord_core.errors import ProviderFailed
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import DAY, HOUR, MINUTE
from ratelord_core.provider import PollRequest, PollResult
from ratelord_core.watch import Account
from ratelord_core.watch.vetting import vet_dates
from ratelord_mock.faults import TROUBLES, Fault, Faults
from ratelord_mock.lies import LIES
from ratelord_mock.options import KINDS
from ratelord_mock.plugin import MockFactory


def outcomes(polls: int, state: str = "", **options: Any) -> tuple[list[str], str]:
    """How the polls of a fresh start end, each going on from the last success."""
    config = ProviderConfig(plugin="mock", id="m", options=options)
    provider = MockFactory().build(config, lambda: None, SteppedClock())
    ended = []
    for _ in range(polls):
        try:
            state = anyio.run(provider.poll, PollRequest(state)).state
            ended.append("ok")
        except ProviderFailed as error:
            ended.append(error.kind)
    return ended, state


def test_scheduled_polls_fail() -> None:
    failures = [2, {"poll": 4, "count": 2, "kind": "timeout"}]
    ended, _ = outcomes(6, failures=failures)
    assert ended == ["ok", "server_error", "ok", "timeout", "timeout", "ok"]


def test_polls_are_numbered_on_over_a_restart() -> None:
    _, state = outcomes(3, failures=[5])
    ended, _ = outcomes(3, state, failures=[5])
    assert ended == ["ok", "server_error", "ok"]


def test_a_fault_may_ask_to_wait() -> None:
    error = Fault(1, kind="rate_limited", retry_after=90_000_000).error(1)
    assert (error.kind, error.retry_after) == ("rate_limited", 90.0)


def test_a_share_of_polls_fails_chosen_by_the_seed() -> None:
    share = {"rate": 0.3, "kinds": ["timeout", "malformed"]}
    ended, _ = outcomes(40, failures=share, seed=1)
    assert ended == outcomes(40, failures=share, seed=1)[0]
    assert ended != outcomes(40, failures=share, seed=2)[0]
    assert set(ended) == {"ok", "timeout", "malformed"}


@pytest.mark.parametrize(("rate", "failing"), [(0.0, 0), (1.0, 1000)])
def test_the_share_is_what_was_asked_for(rate: float, failing: int) -> None:
    faults = Faults(rate=rate)
    assert sum(faults.of(poll, "s") is not None for poll in range(1000)) == failing
    third = Faults(rate=1 / 3)
    assert 270 < sum(third.of(poll, "s") is not None for poll in range(1000)) < 400


def test_a_hanging_poll_never_answers() -> None:
    config = ProviderConfig(
        plugin="mock", id="m", options={"failures": [{"poll": 1, "kind": "hang"}]}
    )
    provider = MockFactory().build(config, lambda: None, SteppedClock())

    async def wait() -> bool:
        with anyio.move_on_after(0.01) as scope:
            await provider.poll(PollRequest())
        return scope.cancelled_caught

    assert anyio.run(wait)


# --- every kind, as the daemon meets it ------------------------------------------------------------


def met(kind: str, polls: int = 1, **more: Any) -> list[Any]:
    """What the watcher makes of polls that fail in this way: results, or the kinds of failures."""
    told = [{"poll": 1, "count": 9, "kind": kind, **more}]
    options = {"failures": told, "pools": {"default": {"limit": 1000, "used": 10}}}
    clock = SteppedClock()
    provider = MockFactory().build(ProviderConfig("mock", "m", options=options), _none, clock)
    account = Account(provider, plugin="mock", version="1")
    ended: list[Any] = []
    for _ in range(polls):
        try:
            ended.append(vet_dates(anyio.run(account.poll, PollRequest()), clock.now()))
        except ProviderFailed as error:
            ended.append(error.kind)
        except Exception as error:  # what a plugin raises is the watcher's to name
            ended.append(type(error).__name__)
    return ended


def _none() -> None:
    return None


FAILING = {kind: kind for kind in TROUBLES if kind not in {"html", "raise", "hang", "slow"}} | {
    "html": "malformed",
    "raise": "RuntimeError",
    "wrong_types": "plugin",
    "negative_remaining": "plugin",
    "dated_in_the_future": "plugin",
    "anothers_pools": "plugin",
    "no_answer": "plugin",
}
BELIEVED = {"slow", "reset_in_the_past", "reset_in_a_year", "shrinking_limit"}


def test_every_kind_is_tried_here() -> None:
    assert set(KINDS) == {*FAILING, *BELIEVED, "hang"}
    assert set(LIES) <= set(KINDS)


@pytest.mark.parametrize("kind", FAILING)
def test_a_poll_that_fails_is_named(kind: str) -> None:
    assert met(kind) == [FAILING[kind]]


def test_a_reset_in_the_past_and_one_in_a_year_are_told() -> None:
    for kind, span in {"reset_in_the_past": -MINUTE, "reset_in_a_year": 365 * DAY}.items():
        (result,) = met(kind)
        (seen,) = result.observations
        assert seen.reset_at == seen.dated + span


def test_a_limit_shrinks_with_every_poll() -> None:
    limits = [result.observations[0].limit for result in met("shrinking_limit", polls=3)]
    assert limits == [500, 250, 125]


def test_a_slow_answer_is_a_good_one() -> None:
    (result,) = met("slow", takes="10ms")
    assert isinstance(result, PollResult)


def test_the_simulated_clock_may_be_ahead() -> None:
    config = ProviderConfig("mock", "m", options={"clock_ahead": "1h"})
    account = Account(MockFactory().build(config, _none, SteppedClock()), plugin="m", version="1")
    assert account.clock_ahead == HOUR
