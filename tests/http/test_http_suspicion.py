"""Guessing tokens takes ever longer; whoever has a good one never waits."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor, wait

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.http.suspicion import FREE, Suspicion, source_of


def test_each_wrong_token_of_a_source_waits_longer_up_to_a_bound():
    watch = Suspicion()
    delays = [watch.note("one", 0.0) for _ in range(40)]
    assert delays[:FREE] == [0.0] * FREE
    assert delays[FREE] > 0
    assert delays == sorted(delays)
    assert delays[-1] == delays[-2] == 2.0
    assert watch.note("another", 0.0) == 0.0


def test_time_forgives():
    watch = Suspicion()
    for _ in range(20):
        watch.note("one", 0.0)
    assert watch.note("one", 1000.0) == 0.0


@given(st.lists(st.text(max_size=8), max_size=50))
def test_memory_is_bounded_however_many_try(sources):
    watch = Suspicion()
    for index in range(1000):
        watch.note(f"10.0.{index}", float(index))
    for source in sources:
        watch.note(source, 2000.0)
    assert len(watch) <= 1024


@pytest.mark.parametrize(
    ("client", "source"),
    [
        (("192.0.2.7", 5), "192.0.2.7"),
        (("2001:db8::1", 5), "2001:db8::/64"),
        (("2001:db8::ffff", 9), "2001:db8::/64"),
        (("fe80::1%eth0", 1), "fe80::/64"),
        (None, "socket"),
        (("", 0), "socket"),
        (("somebody", 1), "somebody"),
    ],
)
def test_a_source_is_an_address_or_for_ipv6_its_network(client, source):
    assert source_of({"client": client}) == source


def test_too_many_that_wait_are_told_to_come_back():
    watch = Suspicion()
    scope = {"client": ("192.0.2.7", 5)}

    async def scenario() -> None:
        for _ in range(30):
            watch.note("192.0.2.7", asyncio.get_running_loop().time())
        waiting = [asyncio.create_task(watch.hold_back(scope)) for _ in range(257)]
        done, _ = await asyncio.wait(waiting, return_when="FIRST_COMPLETED")
        refused = next(iter(done)).result()
        assert refused is not None
        assert (refused.status, refused.code) == (429, "too_many_attempts")
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(scenario())


def test_a_good_token_never_waits_although_its_source_guesses(guarded, operator, tokens):
    good = {"authorization": f"Bearer {tokens['viewer']}"}
    with httpx2.Client(base_url=guarded.url, timeout=60) as client, ThreadPoolExecutor(12) as pool:

        def guess(number: int) -> float:
            began = time.perf_counter()
            answer = client.get("/v1/pools", headers={"authorization": f"Bearer wrong-{number}"})
            assert answer.status_code == 401
            return time.perf_counter() - began

        def look(_: int) -> float:
            began = time.perf_counter()
            assert client.get("/v1/pools", headers=good).status_code == 200
            return time.perf_counter() - began

        guesses = [pool.submit(guess, number) for number in range(12)]
        wait(guesses, return_when="FIRST_COMPLETED")
        waited = [look(number) for number in range(5)]
        slowest = max(one.result() for one in guesses)
    assert slowest >= 1.0
    assert min(waited) < slowest / 2, "the quickest says what the machine cannot explain"
    assert "wrong tokens" in guarded.log
    assert "wrong-1" not in guarded.log
