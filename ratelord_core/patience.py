"""How long a plugin's code may keep its caller: past that it is interrupted, by name.

A decision is one uninterrupted thought, so code that never returns would stop every answer. Python
code and waiting system calls can be interrupted by a timer signal, and are; a loop inside an
extension module cannot, nor can anything where the platform has no such timers or outside the main
thread: there the work goes on unbounded.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

from ratelord_core.errors import PluginError


class Overran(PluginError):
    """A plugin's code was still at work when its time was up."""

    code = "plugin_overran"


class _Turn(NamedTuple):
    until: float
    seconds: float
    what: str


_turns: list[_Turn] = []
"""The calls under way, the innermost last. Only the main thread touches it."""
_before: list[tuple[Any, float]] = []
"""The handler and the rest of the timer that were in place before the outermost call."""


@contextmanager
def at_most(seconds: float, what: str) -> Iterator[None]:
    """Interrupt the block with ``Overran`` if it takes longer; ``what`` names it. Blocks may nest:
    the end of an outer one also ends the inner."""
    if not _can_interrupt():
        yield
        return
    depth = len(_turns)
    until = time.monotonic() + seconds
    outer = _turns[-1].until if _turns else until
    if not _turns:
        _before.append((signal.signal(signal.SIGALRM, _time_is_up), _left()))
    _turns.append(_Turn(min(until, outer), seconds, what))
    _wind()
    try:
        yield
    finally:
        del _turns[depth:]
        _wind()


def _can_interrupt() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


def _time_is_up(_number: int, _frame: FrameType | None) -> None:
    if not _turns or time.monotonic() < _turns[-1].until:
        _wind()
        return
    turn = _turns.pop()
    _wind()
    raise Overran(f"{turn.what} was still at work after {turn.seconds:g} s")


def _wind() -> None:
    """Set the timer for the innermost call, or give it back to whoever had it before."""
    if _turns:
        signal.setitimer(signal.ITIMER_REAL, max(_turns[-1].until - time.monotonic(), 1e-6))
    elif _before:
        handler, left = _before.pop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, left)


def _left() -> float:
    return signal.getitimer(signal.ITIMER_REAL)[0]
