"""Code that never ends is interrupted, named and, after a while, switched off."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
import threading
import time
from typing import Protocol, runtime_checkable

import pytest

from ratelord_core import plugins
from ratelord_core.errors import PluginError
from ratelord_core.guarded import STRIKES, Guarded, guard, unguarded
from ratelord_core.leaving import CLEAN, leaves_when_told
from ratelord_core.patience import Overran, at_most

SHORT = 0.05
LONG = 2.0
"""Enough, on a busy machine too, for what does end."""


def _forever() -> None:
    while True:
        pass


@runtime_checkable
class Polled(Protocol):
    poll_interval: int

    async def poll(self, work) -> object: ...


@runtime_checkable
class Cleaned(Protocol):
    def clean(self) -> None: ...


class Stubborn:
    params = dict
    poll_interval = 60

    def __init__(self) -> None:
        self.calls = 0

    def apply(self, work) -> object:
        self.calls += 1
        return work()

    def build(self) -> Stubborn:
        return Stubborn()

    def open(self) -> None:
        return None

    async def poll(self, work) -> object:
        await asyncio.sleep(0)
        return work()

    async def wait(self, event: asyncio.Event) -> str:
        try:
            await event.wait()
        except asyncio.CancelledError:
            self.calls += 1
            raise
        return "came"


@pytest.fixture
def guarded() -> Guarded:
    """What is to be interrupted soon. Not for what must end in time: a busy machine may take longer."""
    return guard(Stubborn(), "plugin acme", SHORT)


@pytest.fixture
def trusted() -> Guarded:
    """What has all the time that it needs."""
    return guard(Stubborn(), "plugin acme", 60)


@pytest.mark.parametrize("work", [_forever, lambda: time.sleep(30)], ids=["loop", "sleep"])
def test_a_call_without_end_is_interrupted_and_named(guarded, work):
    with pytest.raises(Overran, match=r"plugin acme: apply was still at work after 0\.05 s"):
        guarded.apply(work)


def test_nothing_that_it_does_ends_the_daemon_but_sigterm_does(guarded, trusted):
    with pytest.raises(
        PluginError, match=r"plugin acme: apply would have ended the daemon \(exit 3\)"
    ):
        trusted.apply(lambda: sys.exit(3))

    def told() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)

    with leaves_when_told(), pytest.raises(SystemExit) as left:
        trusted.apply(told)
    assert left.value.code == CLEAN


def test_after_three_of_them_it_is_no_longer_called(guarded):
    for _ in range(STRIKES):
        with pytest.raises(Overran):
            guarded.apply(_forever)

    with pytest.raises(PluginError, match="plugin acme is switched off"):
        guarded.apply(lambda: 1)
    assert guarded.calls == STRIKES


def test_after_three_in_a_row_whatever_was_made_alike_is_left_alone(guarded):
    made = [guarded.build() for _ in range(5)]
    for one in made[:2]:
        with pytest.raises(Overran):
            one.apply(_forever)
    assert made[0].apply(lambda: 1) == 1, "one that ends breaks the row"
    for one in made[1:4]:
        with pytest.raises(Overran):
            one.apply(_forever)
    for one in (*made, guarded.build()):
        with pytest.raises(PluginError, match="plugin acme is left alone for a while"):
            one.apply(lambda: 1)
    made[0]._kin.until = 1e-9  # its time is over
    assert made[4].apply(lambda: 1) == 1
    assert made[0]._kin.until == 0.0


def test_a_call_that_ends_in_time_is_what_it_is(trusted):
    assert trusted.apply(lambda: 41 + 1) == 42
    assert trusted.poll_interval == 60
    assert trusted.params is dict
    with pytest.raises(ZeroDivisionError):
        trusted.apply(lambda: 1 // 0)


def test_a_protocol_recognizes_it(guarded):
    assert isinstance(guarded, Polled)
    assert not isinstance(guarded, Cleaned)


def test_what_it_builds_is_guarded_too(guarded):
    with pytest.raises(Overran):
        guarded.build().apply(_forever)


def test_what_it_does_not_make_is_nothing(trusted):
    assert trusted.open() is None


def test_a_copy_is_guarded_too(guarded):
    again = pickle.loads(pickle.dumps(guarded))

    with pytest.raises(Overran):
        again.apply(_forever)
    assert unguarded(again).calls == 1


def test_a_function_of_conditions_is_bounded(install, monkeypatch):
    install(
        "acme",
        """
        import time

        from ratelord_core import hookimpl
        from ratelord_core.policy.function import ConditionFunction

        def slow(number):
            while number:
                time.sleep(60)
            return number

        @hookimpl
        def ratelord_register_condition_functions():
            return [ConditionFunction("slow", ("number",), "number", slow, "Itself, in the end.")]
        """,
    )
    monkeypatch.setattr(plugins, "CALL_SECONDS", LONG)
    function = plugins.load().named("ratelord_register_condition_functions")["slow"]

    assert function.checked(0) == 0.0
    with pytest.raises(ValueError, match="plugin acme: call was still at work"):
        function.checked(1)


def test_a_coroutine_that_holds_up_the_loop_is_interrupted(guarded, trusted):
    assert asyncio.run(trusted.poll(lambda: "polled")) == "polled"
    with pytest.raises(Overran, match="plugin acme: poll"):
        asyncio.run(guarded.poll(_forever))


def test_a_coroutine_may_wait_as_long_as_it_likes_and_be_cancelled(guarded):
    async def play() -> tuple[str, int]:
        event = asyncio.Event()
        waiting = asyncio.create_task(guarded.wait(event))
        await asyncio.sleep(2 * SHORT)
        event.set()
        came = await waiting
        waiting = asyncio.create_task(guarded.wait(asyncio.Event()))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        return came, guarded.calls

    assert asyncio.run(play()) == ("came", 1)


def test_the_innermost_is_named_and_the_outer_goes_on():
    with at_most(60, "outer"):
        with pytest.raises(Overran, match="inner"), at_most(SHORT, "inner"):
            _forever()
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 50


def test_the_end_of_the_outer_ends_the_inner():
    with pytest.raises(Overran), at_most(SHORT, "outer"), at_most(60, "inner"):
        _forever()


def test_whoever_had_the_timer_before_has_it_back():
    handler, left = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)[0]

    with pytest.raises(Overran), at_most(SHORT, "it"):
        _forever()

    assert signal.getsignal(signal.SIGALRM) is handler
    assert abs(signal.getitimer(signal.ITIMER_REAL)[0] - left) < 5


def test_outside_the_main_thread_nothing_is_bounded_and_nothing_breaks():
    done: list[int] = []

    def work() -> None:
        with at_most(SHORT, "it"):
            time.sleep(2 * SHORT)
            done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert done == [1]


def test_a_hook_without_end_is_skipped_and_named_and_the_others_go_on(install, monkeypatch):
    plugins.load().named("ratelord_register_policy_actions")  # what the others import, is imported
    install(
        "acme",
        """
        from ratelord_core import hookimpl

        @hookimpl
        def ratelord_register_policy_actions():
            import time

            while True:
                time.sleep(60)
        """,
    )
    monkeypatch.setattr(plugins, "HOOK_SECONDS", LONG)

    loaded = plugins.load()
    actions = loaded.named("ratelord_register_policy_actions")

    assert "deny" in actions
    [info] = [each for each in loaded.listed if each.name == "acme"]
    assert info.state == "skipped"
    assert "plugin acme: ratelord_register_policy_actions was still at work" in info.error


def test_an_import_without_end_stops_the_start(install, monkeypatch):
    plugins.load()  # what the others import, is imported
    install("acme", "import time\nwhile True: time.sleep(60)")
    monkeypatch.setattr(plugins, "HOOK_SECONDS", LONG)

    with pytest.raises(PluginError, match=r"plugin acme: load failed.*--without acme"):
        plugins.load()
