"""Every account is polled on its own, whatever the others do, and the sink hears of it."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import anyio
import pytest

from ratelord_core.errors import SettingsError
from ratelord_core.model.instant import MINUTE, SECOND, to_text
from ratelord_core.provider import PollResult
from ratelord_core.testing.scripted_provider import (
    ScriptedProvider,
    answering,
    asking_for,
    failing,
    hang,
    raising,
    succeed,
)
from ratelord_core.testing.stage import Stage
from ratelord_core.watch import Account, Watcher

pytestmark = pytest.mark.anyio


def account(provider: ScriptedProvider, **named: Any) -> Account:
    return Account(provider, plugin="scripted", version="1.2", **named)


async def test_an_account_is_polled_at_once_and_then_in_its_rhythm(
    watcher, stage, notebook, running
) -> None:
    provider = ScriptedProvider("p", stage.clock)
    start = stage.clock.now()
    watcher.add(account(provider, identity_id="pat:a"))
    async with running():
        await stage.advance(65 * SECOND)
    assert provider.polls[0] == start
    assert len(provider.polls) in {6, 7}
    account_id, identity_id, plugin, version, result, next_poll = notebook.of("polled")[0]
    assert (account_id, identity_id, plugin, version) == ("p", "pat:a", "scripted", "1.2")
    assert result.state == "poll 1"
    assert next_poll == provider.polls[1]


async def test_an_account_added_later_is_polled_without_a_restart(watcher, stage, running) -> None:
    async with running():
        await stage.advance(MINUTE)
        provider = ScriptedProvider("late", stage.clock)
        watcher.add(account(provider))
        await stage.settle()
        assert provider.polls == [stage.clock.now()]


async def test_each_poll_gets_the_state_of_the_last_and_the_settled_units(
    watcher, stage, notebook, running
) -> None:
    provider = ScriptedProvider("p", stage.clock)
    notebook.settled = {"core": 3}
    watcher.add(account(provider))
    async with running():
        await stage.advance(15 * SECOND)
    assert [request.state for request in provider.requests] == ["", "poll 1"]
    assert provider.requests[0].settled == {"core": 3}


async def test_the_provider_may_ask_for_another_time_once(watcher, stage, running) -> None:
    provider = ScriptedProvider("p", stage.clock, asking_for(3 * SECOND), succeed)
    watcher.add(account(provider))
    async with running():
        await stage.advance(5 * SECOND)
        assert provider.polls[1] - provider.polls[0] == 3 * SECOND
        assert len(provider.polls) == 2


DEFECTS: dict[str, Any] = {
    "a bug": raising(ZeroDivisionError("division by zero")),
    "an exit": raising(SystemExit(1)),
    "a group of errors": raising(ExceptionGroup("several", [ValueError("x")])),
    "a made-up cancellation": raising(asyncio.CancelledError()),
    "a lie": answering({"limit": 5}),
    "a date in the future": answering(PollResult(2**52)),
}


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=DEFECTS.keys())
async def test_a_defective_plugin_fails_alone(watcher, stage, notebook, running, defect) -> None:
    broken = ScriptedProvider("broken", stage.clock, defect)
    sound = ScriptedProvider("sound", stage.clock)
    watcher.add(account(broken))
    watcher.add(account(sound))
    async with running():
        await stage.advance(30 * SECOND)
    assert {line[1] for line in notebook.of("failed")} == {"plugin"}
    assert len(broken.polls) > 1
    assert len(sound.polls) in {3, 4}


async def test_what_a_defective_plugin_says_is_not_repeated_since_it_may_be_a_secret(
    watcher, stage, notebook, running
) -> None:
    watcher.add(account(ScriptedProvider("p", stage.clock, raising(ValueError("Bearer hush")))))
    async with running():
        await stage.advance(SECOND)
    (_, _, said, *_), *_ = notebook.of("failed")
    assert "hush" not in said
    assert "ValueError at scripted_provider.py:" in said
    assert "hush" not in str(watcher.health())


async def test_a_hanging_poll_times_out_and_holds_up_nobody(
    watcher, stage, notebook, running
) -> None:
    stuck = ScriptedProvider("stuck", stage.clock, hang, succeed)
    sound = ScriptedProvider("sound", stage.clock)
    watcher.add(account(stuck))
    watcher.add(account(sound))
    async with running():
        await stage.advance(19 * SECOND)
        assert len(sound.polls) == 2
        assert not notebook.of("failed")
        await stage.advance(5 * SECOND)
    assert notebook.of("failed")[0][:2] == ("stuck", "timeout")
    assert notebook.of("polled")[-1][0] == "stuck"


async def test_a_plugin_that_turns_its_cancellation_into_an_error_only_fails(
    watcher, stage, notebook, running
) -> None:
    async def stubborn(provider: ScriptedProvider) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise RuntimeError("not me")

    provider = ScriptedProvider("stubborn", stage.clock, stubborn, succeed)
    watcher.add(account(provider))
    async with running():
        await stage.advance(30 * SECOND)
    assert notebook.of("failed")[0][1] == "plugin"
    assert notebook.of("polled")


async def test_a_secret_that_cannot_be_had_is_a_matter_of_settings(
    watcher, stage, notebook, running
) -> None:
    unset = raising(SettingsError("secret env:TOKEN is not set"))
    watcher.add(account(ScriptedProvider("p", stage.clock, unset), identity_id="pat:a"))
    async with running():
        await stage.advance(MINUTE)
    assert {line[1] for line in notebook.of("failed")} == {"settings"}
    assert not notebook.of("unauthorized")


async def test_failures_back_off_open_the_circuit_and_one_success_closes_it(
    watcher, stage, notebook, running
) -> None:
    script = [failing()] * 7 + [succeed]
    provider = ScriptedProvider("p", stage.clock, *script)
    watcher.add(account(provider))
    async with running():
        await stage.advance(10 * MINUTE)
    waits = [later - earlier for earlier, later in pairwise(provider.polls[:8])]
    assert all(shorter <= 2 * longer for shorter, longer in pairwise(waits))
    assert waits[-1] > 8 * waits[0]
    turns = [line[1:3] for line in notebook.of("state")]
    assert turns == [("initializing", "degraded"), ("degraded", "open"), ("open", "healthy")]
    assert [line[3] for line in notebook.of("failed")] == [1, 2, 3, 4, 5, 6, 7]


async def test_an_answered_call_brings_the_probe_of_an_open_circuit_forward(
    watcher, stage, notebook, running
) -> None:
    provider = ScriptedProvider("p", stage.clock, *[failing()] * 8, succeed)
    watcher.add(account(provider))
    async with running():
        await stage.advance(2 * MINUTE)  # of rests that double; the next one is over a minute
        failures = len(provider.polls)
        watcher.heard("p", provider.polls[-1])  # a call made no later than the failure
        watcher.heard("nobody", stage.clock.now())
        await stage.settle()
        assert len(provider.polls) == failures
        watcher.heard("p", stage.clock.now())
        await stage.settle()
        assert provider.polls[failures:] == [stage.clock.now()]


async def test_probes_that_are_in_vain_though_calls_are_answered_become_rare(
    watcher, stage, running
) -> None:
    provider = ScriptedProvider("p", stage.clock, failing())
    watcher.add(account(provider))
    async with running():
        for _ in range(720):
            await stage.advance(5 * SECOND)
            watcher.heard("p", stage.clock.now())
    assert len(provider.polls) < 35


async def test_an_answered_call_brings_no_probe_before_the_time_that_the_provider_named(
    watcher, stage, running
) -> None:
    script = [failing()] * 4 + [failing("rate_limited", 200.0), succeed]
    provider = ScriptedProvider("p", stage.clock, *script)
    watcher.add(account(provider))
    async with running():
        for _ in range(200):
            await stage.advance(SECOND)
            watcher.heard("p", stage.clock.now())
        assert len(provider.polls) == 5
        await stage.advance(MINUTE)
    assert len(provider.polls) > 5


async def test_a_probe_that_costs_something_comes_an_interval_after_the_last(
    watcher, stage, running
) -> None:
    provider = ScriptedProvider("p", stage.clock, *[failing()] * 9, succeed, interval=30 * SECOND)
    provider.poll_costs = True
    watcher.add(account(provider))
    async with running():
        while len(provider.polls) < 9:
            await stage.advance(SECOND)
        watcher.heard("p", stage.clock.now())
        await stage.advance(MINUTE)
    assert provider.polls[9] - provider.polls[8] == 30 * SECOND


async def test_a_retry_after_is_waited_for(watcher, stage, running) -> None:
    provider = ScriptedProvider("p", stage.clock, failing("rate_limited", 120.0), succeed)
    watcher.add(account(provider))
    async with running():
        await stage.advance(119 * SECOND)
        assert len(provider.polls) == 1
        await stage.advance(4 * SECOND)
        assert len(provider.polls) == 2


async def test_repeated_refusals_of_the_credential_are_reported_once(
    watcher, stage, notebook, running
) -> None:
    refused = ScriptedProvider("p", stage.clock, failing("unauthorized"))
    watcher.add(account(refused, identity_id="pat:b", extra=True))
    nobodys = ScriptedProvider("q", stage.clock, failing("unauthorized"))
    watcher.add(account(nobodys))
    async with running():
        await stage.advance(10 * MINUTE)
    assert notebook.of("unauthorized") == [("pat:b",)]


async def test_a_poke_polls_now(watcher, stage, running) -> None:
    provider = ScriptedProvider("p", stage.clock, interval=MINUTE)
    watcher.add(account(provider))
    async with running():
        await stage.advance(5 * SECOND)
        assert watcher.poke("p")
        await stage.settle()
        assert provider.polls[-1] == stage.clock.now()
        assert not watcher.poke("nobody")


async def test_a_poke_during_a_poll_makes_another_one_follow(watcher, stage, running) -> None:
    async def slow(provider: ScriptedProvider) -> PollResult:
        await stage.sleep(2 * SECOND)
        return await succeed(provider)

    provider = ScriptedProvider("p", stage.clock, slow, succeed, interval=MINUTE)
    watcher.add(account(provider))
    async with running():
        await stage.advance(SECOND)
        watcher.poke("p")
        await stage.advance(SECOND)
        assert len(provider.polls) == 2


async def test_a_removed_account_is_closed_and_polled_no_more(watcher, stage, running) -> None:
    provider = ScriptedProvider("p", stage.clock)
    watcher.add(account(provider))
    async with running():
        watcher.remove("p")
        watcher.remove("p")
        await stage.advance(MINUTE)
        assert (len(provider.polls), provider.closed) == (1, 1)
        assert watcher.accounts() == ()


async def test_an_account_takes_the_place_of_its_namesake(watcher, stage, running) -> None:
    old, new = ScriptedProvider("p", stage.clock), ScriptedProvider("p", stage.clock)
    watcher.add(account(old))
    async with running():
        watcher.add(account(new))
        await stage.advance(25 * SECOND)
        assert (len(old.polls), old.closed) == (1, 1)
        assert len(new.polls) in {2, 3}
        assert watcher.account("p").provider is new


async def test_every_provider_is_closed_when_the_watcher_stops(watcher, stage, running) -> None:
    providers = [ScriptedProvider(name, stage.clock) for name in "abc"]
    for provider in providers:
        watcher.add(account(provider))
    async with running():
        pass
    assert [provider.closed for provider in providers] == [1, 1, 1]


async def test_a_provider_that_cannot_be_closed_does_not_stop_the_others(
    watcher, stage, running
) -> None:
    class Sticky(ScriptedProvider):
        async def aclose(self) -> None:
            raise OSError("will not")

    sound = ScriptedProvider("sound", stage.clock)
    watcher.add(account(Sticky("sticky", stage.clock)))
    watcher.add(account(sound))
    async with running():
        watcher.remove("sticky")
        await stage.advance(15 * SECOND)
        assert len(sound.polls) == 2
    assert sound.closed == 1


async def test_the_first_attempts_have_ended_when_each_has_succeeded_or_failed(
    watcher, stage, running
) -> None:
    watcher.add(account(ScriptedProvider("good", stage.clock)))
    watcher.add(account(ScriptedProvider("bad", stage.clock, failing())))
    assert watcher.initializing
    async with running():
        assert await watcher.wait_first_attempts()
        assert not watcher.initializing


async def test_nobody_waits_for_a_hanging_first_attempt_for_long(watcher, stage, running) -> None:
    watcher.add(account(ScriptedProvider("stuck", stage.clock, hang)))
    answers = []

    async def wait() -> None:
        answers.append(await watcher.wait_first_attempts(5 * SECOND))

    async with running(), anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await stage.advance(4 * SECOND)
        assert answers == []
        await stage.advance(SECOND)
        assert answers == [False]


async def test_a_restored_account_goes_on_where_the_log_left_it(
    watcher, stage, notebook, running
) -> None:
    provider = ScriptedProvider("p", stage.clock)
    due = stage.clock.now() + 90 * SECOND
    watcher.add(account(provider), state="open", failures=6, due=due, last_error="timeout: x")
    async with running():
        assert await watcher.wait_first_attempts()
        assert watcher.health()["p"].state == "open"
        await stage.advance(89 * SECOND)
        assert provider.polls == []
        await stage.advance(SECOND)
        assert provider.polls == [due]
    assert notebook.of("state") == [("p", "open", "healthy", "poll succeeded")]


async def test_a_sink_that_ends_the_watch_because_of_a_poll_is_heard_out(
    watcher, stage, notebook, running
) -> None:
    async def quarantine(identity_id: str) -> None:
        watcher.remove(f"p/{identity_id}")
        await stage.sleep(SECOND)
        notebook.lines.append(("quarantined", identity_id))

    notebook.unauthorized = quarantine
    refused = ScriptedProvider("p", stage.clock, failing("unauthorized"))
    watcher.add(account(refused, identity_id="pat:b", extra=True))
    async with running():
        await stage.advance(MINUTE)
        assert notebook.of("quarantined") == [("pat:b",)]
        assert (len(refused.polls), refused.closed) == (3, 1)


async def test_a_sink_that_cannot_write_does_not_end_the_polling(
    watcher, stage, notebook, running
) -> None:
    provider = ScriptedProvider("p", stage.clock)
    watcher.add(account(provider))
    notebook.broken = True
    async with running():
        assert await watcher.wait_first_attempts()
        await stage.advance(25 * SECOND)
        notebook.broken = False
        await stage.advance(20 * SECOND)
    assert len(provider.polls) >= 4
    assert notebook.of("polled")


async def test_health_tells_state_last_success_last_error_and_next_poll(
    watcher, stage, running
) -> None:
    provider = ScriptedProvider("p", stage.clock, succeed, failing("timeout"))
    watcher.add(account(provider))
    start = stage.clock.now()
    async with running():
        first = watcher.health()["p"]
        assert (first.state, first.failures, first.last_error) == ("healthy", 0, None)
        assert first.last_success == to_text(start)
        await stage.advance(11 * SECOND)
        health = watcher.health()["p"]
        assert (health.provider_id, health.plugin) == ("p", "scripted")
        assert (health.state, health.failures) == ("degraded", 1)
        assert health.last_error == "timeout: scripted"
        assert health.last_success == to_text(start)
        assert health.next_poll > to_text(stage.clock.now())


def test_the_same_seed_gives_the_same_run(notebook) -> None:
    def play() -> list[int]:
        from ratelord_core.clock import SeededEntropy

        stage = Stage()
        watcher = Watcher(notebook, stage.clock, SeededEntropy(1), sleep=stage.sleep)
        provider = ScriptedProvider("p", stage.clock, succeed, failing(), succeed)
        watcher.add(account(provider))

        async def run() -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watcher.run)
                await stage.advance(MINUTE)
                tasks.cancel_scope.cancel()

        anyio.run(run)
        return provider.polls

    assert play() == play()
