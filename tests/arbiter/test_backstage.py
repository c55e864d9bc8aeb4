"""Long work beside the loop: the interpreter is as it was before, whatever came of the work."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Iterator

import pytest

from ratelord_core.backstage import backstage


def _manners() -> tuple[bool, float]:
    """Whether garbage is looked for, and how long a thread's turn is."""
    return gc.isenabled(), sys.getswitchinterval()


@pytest.fixture
def usual() -> Iterator[tuple[bool, float]]:
    gc.enable()
    usual = _manners()
    yield usual
    gc.enable()
    sys.setswitchinterval(usual[1])


def test_nobody_looks_for_garbage_and_turns_are_short_while_it_works(
    usual: tuple[bool, float],
) -> None:
    looks, turn = asyncio.run(backstage(_manners))

    assert not looks
    assert turn < usual[1]
    assert _manners() == usual


def test_work_that_fails_leaves_everything_as_it_was(usual: tuple[bool, float]) -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(backstage(fail))

    assert _manners() == usual


def test_the_last_of_several_puts_everything_back(usual: tuple[bool, float]) -> None:
    both = threading.Barrier(2, timeout=60)
    first_ended = threading.Event()

    def first() -> None:
        both.wait()

    def second() -> tuple[bool, float]:
        both.wait()
        assert first_ended.wait(60)
        return _manners()

    async def work() -> tuple[bool, float]:
        later = asyncio.ensure_future(backstage(second))
        await backstage(first)
        first_ended.set()
        return await later

    looks, turn = asyncio.run(work())

    assert not looks
    assert turn < usual[1]
    assert _manners() == usual


def test_somebody_who_never_looks_for_garbage_still_does_not(usual: tuple[bool, float]) -> None:
    gc.disable()

    asyncio.run(backstage(_manners))

    assert _manners() == (False, usual[1])
