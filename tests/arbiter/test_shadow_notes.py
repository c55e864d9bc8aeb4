"""What a shadow says while the log cannot be written is kept until it can be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ratelord_core.daemon.shadow import Shadow
from ratelord_core.errors import StoreError, Unavailable
from ratelord_core.jobs import Said
from ratelord_core.model.caller import Caller
from ratelord_core.model.intent import Intent

HTTP = Caller(door="http")
ASKED = Intent("a", "i", "chat", "repo:x/y")


def difference(number: int) -> Said:
    names = {"agent_id": "a", "identity_id": "i", "workload_id": "chat", "scope_id": "repo:x/y"}
    after = {"decision": "deny_with_reason", "reason_code": "policy", "rule": "p/no"}
    part = names | {"intent_id": f"{number:032x}", "change": "denied", "after": after}
    return Said(part=part)


async def until(what: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


@pytest.fixture
def troubled(run: Any, house: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Any]:
    """Lets a shadow tell so many differences while nothing can be written, and one afterwards."""
    monkeypatch.setattr("ratelord_core.daemon.recovery._PAUSE", 0.01)

    async def living(count: int) -> tuple[Shadow, int]:
        arbiter = await house.open()
        shadow = Shadow(arbiter, None, None)  # type: ignore[arg-type] # neither is asked for here
        house.store.trouble = StoreError("the disk is full: free some space")
        with pytest.raises(Unavailable):
            await arbiter.ask(ASKED, HTTP)
        for number in range(count):
            assert shadow._hear(difference(number)) == ""
        house.store.trouble = None
        await until(lambda: arbiter.health().status != "read_only")
        shadow._hear(Said(progress=0.5))
        await arbiter.flush()
        written = house.count("shadow_differed")
        live, log = house.pictures()
        assert live == log
        await house.close()
        return shadow, written

    return lambda count: run(living(count))


def test_differences_that_fall_into_a_failure_are_written_down_after_it(troubled: Any) -> None:
    shadow, written = troubled(3)
    assert written == 3
    assert shadow._counts == {"denied": 3}


def test_more_than_can_be_kept_are_counted_as_lost(
    troubled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ratelord_core.daemon.shadow._KEPT", 2)
    shadow, written = troubled(5)
    assert written == 2
    assert shadow._counts == {"denied": 5, "lost": 3}
