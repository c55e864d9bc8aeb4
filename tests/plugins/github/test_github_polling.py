"""What a poll asks GitHub, and what it makes of a good answer."""

from __future__ import annotations

import pytest

from ratelord_core import __version__
from ratelord_core.clock import SteppedClock, SystemClock
from ratelord_core.errors import ProviderFailed
from ratelord_core.model.instant import HOUR, MINUTE, SECOND
from ratelord_core.model.observation import Observation
from ratelord_core.provider import PollResult


def seen(result: PollResult, resource: str = "core") -> Observation:
    return next(one for one in result.observations if one.pool_id == resource)


def test_it_asks_as_github_documents_it(github, connect) -> None:
    connect().poll()
    (asked,) = github.asked
    assert asked.path == "/api/v3/rate_limit"
    assert asked.headers["authorization"] == "Bearer t0ken"
    assert asked.headers["accept"] == "application/vnd.github+json"
    assert asked.headers["x-github-api-version"] == "2022-11-28"
    assert asked.headers["user-agent"] == f"ratelord/{__version__}"
    assert "if-none-match" not in asked.headers


def test_without_a_token_it_asks_as_nobody(github, connect) -> None:
    github.resources["core"] = {**github.resource(60)}
    result = connect(token=None).poll()
    assert "authorization" not in github.asked[0].headers
    assert seen(result).limit == 60


def test_another_version_of_the_api_may_be_asked_for(github, connect) -> None:
    connect(api_version="2026-03-10").poll()
    assert github.asked[0].headers["x-github-api-version"] == "2026-03-10"


def test_every_resource_becomes_an_observation_of_its_own_pool(github, connect) -> None:
    before = SystemClock().now()
    account = connect()
    result = account.poll()
    told = {one.pool_id for one in result.observations if "/" not in one.pool_id}
    assert told == set(github.payload()["resources"])
    core = seen(result)
    assert (core.limit, core.used, core.remaining) == (5000, 1, 4999)
    assert core.reset_at == github.reset * SECOND
    assert (core.window_every, core.unit) == (HOUR, "requests")
    assert seen(result, "graphql").unit == "points"
    assert seen(result, "search").window_every == MINUTE
    assert before <= result.dated <= SystemClock().now()
    assert all(one.dated == result.dated for one in result.observations)
    assert result.pools == ()


def test_only_core_and_what_github_wants_left_alone_are_drawn_from_by_default(connect) -> None:
    pools = connect().provider.pools()
    assert [pool.pool_id for pool in pools if pool.default] == ["core", "secondary/pause"]
    primary = [pool for pool in pools if not pool.pool_id.startswith("secondary/")]
    assert all(pool.window.kind == "fixed" and pool.limit is None for pool in primary)


def test_a_resource_that_nobody_documents_is_declared_with_an_unknown_window(
    github, connect
) -> None:
    github.resources["telepathy"] = github.resource(7)
    result = connect().poll()
    (pool,) = result.pools
    assert (pool.key, pool.default, pool.window.every) == ("gh/telepathy", False, None)
    assert seen(result, "telepathy").window_every is None


def test_an_older_server_that_tells_no_use_is_understood(github, connect) -> None:
    github.resources["core"] = {"limit": 5000, "remaining": 4990, "reset": github.reset}
    core = seen(connect().poll())
    assert (core.used, core.remaining) == (None, 4990)


def test_unchanged_limits_are_as_good_as_said_again(github, connect) -> None:
    first, second = connect().polls(lambda: None)
    assert "if-none-match" in github.asked[1].headers
    assert len(github.asked) == 2
    assert second.dated > first.dated
    assert seen(second).used == 1
    assert seen(second).dated == second.dated


def test_changed_limits_are_read_anew(github, connect) -> None:
    def spend() -> None:
        github.used = 77

    _, second, third = connect().polls(spend, lambda: None)
    assert seen(second).used == seen(third).used == 77


def test_another_token_asks_without_the_first_ones_tag(github, connect) -> None:
    account = connect()

    def rotate() -> None:
        account.token = "an0ther"

    account.polls(rotate)
    assert github.asked[1].headers["authorization"] == "Bearer an0ther"
    assert "if-none-match" not in github.asked[1].headers


def test_unchanged_limits_whose_reset_has_passed_are_asked_for_again(github, connect) -> None:
    clock = SteppedClock(SystemClock().now())
    github.now = clock.now
    account = connect(clock=clock)
    account.polls(lambda: clock.move_to(github.reset * SECOND))
    tags = ["if-none-match" in asked.headers for asked in github.asked]
    assert tags == [False, True, False]


@pytest.mark.parametrize("off_by", [-HOUR, HOUR])
def test_resets_are_told_on_our_clock_even_when_it_is_wrong(github, connect, off_by) -> None:
    theirs = SteppedClock(github.now())
    github.now = theirs.now
    account = connect(clock=SteppedClock(theirs.now() + off_by))
    core = seen(account.poll())
    assert abs(core.reset_at - (github.reset * SECOND + off_by)) <= 2 * SECOND
    headers = {"x-ratelimit-remaining": "5", "x-ratelimit-reset": str(github.reset)}
    (passing,) = account.provider.read_headers(headers, account.clock.now())
    assert passing.reset_at == core.reset_at


def test_a_second_of_difference_is_how_github_tells_its_time(github, connect) -> None:
    theirs = SteppedClock(github.now())
    github.now = theirs.now
    account = connect(clock=SteppedClock(theirs.now() + SECOND // 2))
    assert seen(account.poll()).reset_at == github.reset * SECOND


def test_numbers_of_a_window_that_is_over_leave_use_unsaid(github, connect) -> None:
    github.reset -= 3600
    core = seen(connect().poll())
    assert (core.limit, core.used, core.remaining, core.reset_at) == (5000, None, None, None)


SOON = SystemClock().now() // SECOND + 1800
BROKEN = [
    {"limit": 10, "remaining": 1, "reset": SOON + 365 * 86_400},
    {"limit": 10, "remaining": 1, "reset": -5},
    {"limit": "many", "remaining": 1, "reset": SOON},
    {"limit": 10, "remaining": 11, "reset": SOON},
    {"limit": -1, "remaining": -1, "reset": SOON},
    {"limit": 2**53, "remaining": 1, "reset": SOON},
    {"limit": 10, "remaining": 1, "reset": 10**15},
    {"limit": 10, "remaining": 1},
    {"limit": 10.5, "remaining": 1, "reset": SOON},
    None,
    [],
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_resource_that_makes_no_sense_is_left_out_whole(github, connect, broken) -> None:
    github.resources["search"] = broken
    told = {one.pool_id for one in connect().poll().observations}
    assert "core" in told
    assert "search" not in told


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome</html>",
        b"{",
        b"[]",
        b"{}",
        b'{"resources": {}}',
        b'{"resources": []}',
        b'{"resources": {"core": {"limit": 1}}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_an_answer_that_is_no_answer_is_malformed(github, connect, body) -> None:
    github.answer(200, body=body)
    with pytest.raises(ProviderFailed) as caught:
        connect().poll()
    assert caught.value.kind == "malformed"


def test_a_server_that_limits_nobody_tells_no_numbers_and_its_pools_are_fresh(
    github, connect
) -> None:
    github.answer(404, "Rate limiting is not enabled.")
    account = connect()
    result = account.poll()
    told = {one.pool_id: one for one in result.observations}
    assert told["core"].limit is None
    assert {one.dated for one in result.observations} == {result.dated}
    assert set(told) == {pool.pool_id for pool in account.provider.pools()}


def test_headers_in_passing_tell_of_the_resource_that_they_name(connect) -> None:
    provider = connect().provider
    now = 1_700_000_000 * SECOND
    headers = {
        "x-ratelimit-limit": "30",
        "x-ratelimit-remaining": "18",
        "x-ratelimit-used": "12",
        "x-ratelimit-reset": "1700000060",
        "x-ratelimit-resource": "search",
    }
    expected = Observation(
        "gh", "search", now, 30, 12, 18, now + MINUTE, window_every=MINUTE, unit="requests"
    )
    assert provider.read_headers(headers, now) == (expected,)
    unnamed = {name: text for name, text in headers.items() if not name.endswith("resource")}
    assert provider.read_headers(unnamed, now)[0].pool_id == "core"
    strange = {**headers, "x-ratelimit-resource": "a b"}
    assert provider.read_headers(strange, now) == ()


@pytest.mark.parametrize("later", ["90", "Fri, 31 Dec 2027 23:59:00 GMT"])
def test_a_secondary_limit_in_passing_is_a_pause_for_everybody(connect, later) -> None:
    clock = SteppedClock()
    provider = connect(clock=clock).provider
    (pause,) = provider.read_headers({"retry-after": later}, clock.now() - SECOND)
    assert (pause.pool_id, pause.remaining) == ("secondary/pause", 0)
    day = 24 * HOUR
    assert pause.reset_at == clock.now() + (90 * SECOND if later == "90" else day)


def test_an_exhausted_primary_limit_is_no_pause(connect) -> None:
    clock = SteppedClock()
    headers = {
        "x-ratelimit-limit": "60",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(clock.now() // SECOND + 100),
        "retry-after": "100",
    }
    (core,) = connect(clock=clock).provider.read_headers(headers, clock.now())
    assert (core.pool_id, core.remaining) == ("core", 0)
