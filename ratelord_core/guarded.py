"""Strangers' objects, each of whose calls has to end in time."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from ratelord_core.errors import PluginError
from ratelord_core.leaving import Leaving
from ratelord_core.patience import Overran, at_most

MAKERS = frozenset({"build", "open"})
"""Methods whose results are guarded too."""
MAKING_SECONDS = 10.0
"""How long they may take at least: they load the code of what they make, and others' processes may
have the machine at that moment."""
STRIKES = 3
"""Calls that may overrun before the object is switched off: the machine may have slept once."""
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 3600.0


class Kin:
    """What one thing made: where three calls of one method overran and none of that method ended in
    between, whichever of the siblings were asked, all are left alone for two seconds, and after
    every further one for twice as long. Ten thousand pools would else each have to find out by
    themselves that their model hangs."""

    def __init__(self) -> None:
        self.overran: dict[str, int] = {}
        self.until = 0.0
        """Left alone until then (monotonic seconds); 0: is not."""
        self._pause = FIRST_PAUSE

    def miss(self, what: str) -> None:
        """That call overran."""
        self.overran[what] = self.overran.get(what, 0) + 1
        if self.overran[what] >= STRIKES:
            self.until = time.monotonic() + self._pause
            self._pause = min(LONGEST_PAUSE, 2.0 * self._pause)

    def end(self, what: str) -> None:
        """That call ended in time."""
        self.overran.pop(what, None)
        if not self.overran:
            self.until, self._pause = 0.0, FIRST_PAUSE


def guard(thing: Any, whose: str, seconds: float, kin: Kin | None = None) -> Any:
    """What behaves as the thing, but ends each of its calls in time: one that overruns raises
    ``Overran``, and after three of them every call raises ``PluginError`` at once. What it makes is
    guarded too, together (see ``Kin``).

    It has the public names of the thing as its own, so that a protocol recognizes it.
    """
    names = {name: _forward(name) for name in dir(thing) if not name.startswith("_")}
    return type(f"Guarded{type(thing).__name__}", (Guarded,), names)(thing, whose, seconds, kin)


def _forward(name: str) -> property:
    return property(lambda self: self._take(name))


class Guarded:
    """Stands for a stranger's object. Made by ``guard``."""

    def __init__(self, thing: Any, whose: str, seconds: float, kin: Kin | None = None) -> None:
        self._thing = thing
        self._kin = kin or Kin()
        self._children = Kin()
        self._whose = whose
        self._seconds = seconds
        self._strikes = 0
        self._bounded: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)  # asked for while it is copied, before there is a thing
        return self._take(name)

    def _take(self, name: str) -> Any:
        bounded = self._bounded.get(name)  # looked up once: rules call it for every intent
        if bounded is not None:
            return bounded
        found = getattr(self._thing, name)
        if not callable(found) or isinstance(found, type):
            return found
        what = f"{self._whose}: {name}"
        bounded = self._bounded[name] = (
            self._stepwise(found, what)
            if inspect.iscoroutinefunction(found)
            else self._timed(found, what, makes=name in MAKERS)
        )
        return bounded

    def __reduce__(self) -> tuple[Any, ...]:
        return GuardedAgain, (self._thing, self._whose, self._seconds)

    def _timed(self, call: Callable[..., Any], what: str, *, makes: bool) -> Callable[..., Any]:
        seconds = max(self._seconds, MAKING_SECONDS) if makes else self._seconds

        @functools.wraps(call)
        def bounded(*args: Any, **named: Any) -> Any:
            made = self._within(what, functools.partial(call, *args, **named), seconds)
            if not makes or made is None:
                return made
            return guard(made, self._whose, self._seconds, self._children)

        return bounded

    def _stepwise(
        self, call: Callable[..., Awaitable[Any]], what: str
    ) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(call)
        async def bounded(*args: Any, **named: Any) -> Any:
            return await _Stepped(call(*args, **named), functools.partial(self._within, what))

        return bounded

    def _within(self, what: str, call: Callable[[], Any], seconds: float | None = None) -> Any:
        if self._strikes >= STRIKES:
            raise PluginError(
                f"{self._whose} is switched off: it overran {STRIKES} times; "
                "repair it, or leave it out, and start again"
            )
        if self._kin.until > 0.0 and time.monotonic() < self._kin.until:
            raise PluginError(
                f"{self._whose} is left alone for a while: it overran {STRIKES} times in a row; "
                "repair it, or leave it out, and start again"
            )
        ended = True
        try:
            with at_most(self._seconds if seconds is None else seconds, what):
                return call()
        except Overran:
            ended = False
            self._strikes += 1
            self._kin.miss(what)
            raise
        except SystemExit as error:
            if isinstance(error, Leaving):
                raise
            raise PluginError(f"{what} would have ended the daemon (exit {error.code})") from error
        finally:
            if ended and self._kin.overran:
                self._kin.end(what)


class GuardedAgain:
    """Guards a thing that was copied: snapshots may name classes, and no functions."""

    def __new__(cls, thing: Any, whose: str, seconds: float) -> Any:
        return guard(thing, whose, seconds)


def unguarded(thing: Any) -> Any:
    """The thing itself."""
    return thing._thing if isinstance(thing, Guarded) else thing  # noqa: SLF001 - this module keeps it


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
