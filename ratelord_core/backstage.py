"""Long work on a thread beside the loop, in such a way that whoever asks meanwhile hardly waits."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

_TURN: Final = 0.0005
"""Seconds after which the thread must hand over. By default it is ten times as long, and an answer
has to wait for several turns."""

Found = TypeVar("Found")
Given = ParamSpec("Given")

_lock = threading.Lock()
_before: list[tuple[bool, float]] = []
"""What was set before each piece of work that is under way, the first one first."""


async def backstage(
    work: Callable[Given, Found], *given: Given.args, **named: Given.kwargs
) -> Found:
    """What the work returns, or raises. It runs on a thread; nobody looks for garbage meanwhile:
    what it makes by the hundred thousand would be looked through again and again, and everybody
    waits for that."""

    def done() -> Found:
        with _quietly():
            return work(*given, **named)

    return await asyncio.to_thread(done)


def for_good() -> None:
    """What is there now lasts: who looks for garbage passes it over from now on, in a process that
    did the same with what it began with."""
    if gc.get_freeze_count():
        gc.freeze()


@contextmanager
def _quietly() -> Iterator[None]:
    with _lock:
        _before.append((gc.isenabled(), sys.getswitchinterval()))
        gc.disable()
        sys.setswitchinterval(min(_TURN, sys.getswitchinterval()))
    try:
        yield
    finally:
        with _lock:
            enabled, turn = _before.pop()
            if not _before:
                sys.setswitchinterval(turn)
                if enabled:
                    gc.enable()
