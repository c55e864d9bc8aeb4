"""Strangers' objects, each of whose calls has to end in time."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from ratelord_core.errors import PluginError
from ratelord_core.patience import Overran, at_most

SECONDS = 1.0
"""One call, or one step of a coroutine between two waits. An ordinary call takes microseconds; this
is for what would never end, not for what is slow."""
STRIKES = 3
"""Calls that may overrun before the object is switched off: the machine may have slept once."""


class Guarded:
    """Behaves as the object that it stands for; a call that overruns raises ``Overran``, and after
    three of them every call raises ``PluginError`` at once. What ``build`` makes is guarded too.
    """

    def __init__(self, thing: Any, whose: str, seconds: float = SECONDS) -> None:
        self._thing = thing
        self._whose = whose
        self._seconds = seconds
        self._strikes = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        if not callable(found) or isinstance(found, type):
            return found
        what = f"{self._whose}: {name}"
        bounded = (
            self._stepwise(found, what)
            if inspect.iscoroutinefunction(found)
            else self._timed(found, what, makes=name == "build")
        )
        setattr(self, name, bounded)  # looked up once: rules call it for every intent
        return bounded

    def _timed(self, call: Callable[..., Any], what: str, *, makes: bool) -> Callable[..., Any]:
        @functools.wraps(call)
        def bounded(*args: Any, **named: Any) -> Any:
            made = self._within(what, functools.partial(call, *args, **named))
            return Guarded(made, self._whose, self._seconds) if makes else made

        return bounded

    def _stepwise(
        self, call: Callable[..., Awaitable[Any]], what: str
    ) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(call)
        async def bounded(*args: Any, **named: Any) -> Any:
            return await _Stepped(call(*args, **named), functools.partial(self._within, what))

        return bounded

    def _within(self, what: str, call: Callable[[], Any]) -> Any:
        if self._strikes >= STRIKES:
            raise PluginError(
                f"{self._whose} is switched off: it overran {STRIKES} times; "
                "repair it, or leave it out, and start again"
            )
        try:
            with at_most(self._seconds, what):
                return call()
        except Overran:
            self._strikes += 1
            raise


class _Stepped:
    """An awaitable driven step by step, each step within its time."""

    def __init__(self, work: Awaitable[Any], within: Callable[[Callable[[], Any]], Any]) -> None:
        self._steps = work.__await__()
        self._within = within

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = functools.partial(next, self._steps)
        while True:
            try:
                waiting = self._within(step)
            except StopIteration as done:
                return done.value
            try:
                sent = yield waiting
            except BaseException as error:  # noqa: BLE001 - a cancellation too belongs to the work
                step = functools.partial(self._steps.throw, error)
            else:
                step = functools.partial(self._steps.send, sent)
