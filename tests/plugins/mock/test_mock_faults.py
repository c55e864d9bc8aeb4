"""Polls fail by number or by a seeded share, always the same ones."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from ratelord_core.clock import SteppedClock
from ratelord_core.errors import ProviderFailed
from ratelord_core.model.config import ProviderConfig
from ratelord_core.provider import PollRequest
from ratelord_mock.faults import Fault, Faults
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
