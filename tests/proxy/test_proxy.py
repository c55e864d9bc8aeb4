"""Any client is governed by its base URL."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import httpx2
import pytest

from ratelord_core.testing.desk import patiently
from ratelord_core.testing.enforcing import EnforcingOpenai

SAID = [{"role": "user", "content": "one two three four"}]
ASK = {"model": "gpt-x", "messages": SAID, "max_tokens": 5}
CALL = "/v1/chat/completions"


def last(desk: Any) -> tuple[str, dict[str, int]]:
    """What the last call was reported as: beside the answer, and so perhaps after it."""

    def reported() -> Any:
        told = desk.get("/v1/events?type=intent_reported&limit=1")
        decided = desk.get("/v1/events?type=intent_decided&limit=1")
        return told[0] if told and told[0]["seq"] > decided[0]["seq"] else None

    payload = patiently(reported)["payload"]
    return payload.get("outcome", "success"), dict(payload["settled"])


def test_a_call_passes_with_everything_but_what_was_said_to_the_proxy(
    proxy: str, api: Any, desk: Any
) -> None:
    headers = {"authorization": "Bearer sk-s3cret", "x-ratelord-agent": "agent:me", "x-mine": "1"}
    answer = httpx2.post(proxy + CALL + "?trace=a%2Fb", json=ASK, headers=headers, timeout=60)
    assert answer.status_code == 200
    assert answer.headers["x-ratelimit-limit-requests"] == "40"
    assert answer.json()["usage"]["total_tokens"] == 9
    asked = api.asked[-1]
    assert asked.headers["authorization"] == "Bearer sk-s3cret"
    assert asked.headers["x-mine"] == "1"
    assert "x-ratelord-agent" not in asked.headers
    outcome, units = last(desk)
    assert outcome == "success"
    assert units["openai/gpt-x/requests"] == 1
    decided = desk.get("/v1/events?type=intent_decided&limit=1")[0]
    assert decided["dimensions"]["agent_id"] == "agent:me"
    assert "s3cret" not in str(desk.events())


def test_a_stream_flows_and_is_settled_at_its_end(proxy: str, desk: Any) -> None:
    body = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
    with httpx2.stream("POST", proxy + CALL, json=body, timeout=60) as flow:
        lines = [line for line in flow.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    assert last(desk)[1]["openai/gpt-x/tokens"] == 9


def test_a_stream_that_nobody_reads_on_is_given_up_and_settled(
    proxy: str, api: Any, desk: Any, until: Any
) -> None:
    api.pause = 0.02
    try:
        body = {**ASK, "stream": True, "max_tokens": 2000}
        with httpx2.stream("POST", proxy + CALL, json=body, timeout=60) as flow:
            for number, _ in enumerate(flow.iter_lines()):
                if number > 10:
                    break
        until(lambda: last(desk)[0] == "error")
    finally:
        api.pause = 0.0
    assert last(desk)[1]["openai/gpt-x/tokens"] < 2000
    until(lambda: api.abandoned == 1)


def test_a_denial_is_a_429_of_the_provider_with_standard_fields(proxy: str, api: Any) -> None:
    asked = len(api.asked)
    banned = httpx2.post(
        proxy + CALL, json=ASK, headers={"x-ratelord-agent": "agent:banned"}, timeout=60
    )
    assert banned.status_code == 429
    assert banned.json()["error"]["code"] == "rate_limit_exceeded"
    assert "not you" in banned.json()["error"]["message"]
    once = {"x-ratelord-agent": "agent:once"}
    assert httpx2.post(proxy + CALL, json=ASK, headers=once, timeout=60).status_code == 200
    spent = httpx2.post(proxy + CALL, json=ASK, headers=once, timeout=60)
    assert spent.status_code == 429
    assert int(spent.headers["retry-after"]) > 3000
    assert f"t={spent.headers['retry-after']}" in spent.headers["ratelimit"]
    assert len(api.asked) == asked + 1


def test_failures_of_the_provider_are_its_own(proxy: str, api: Any) -> None:
    api.down = True
    try:
        answer = httpx2.post(proxy + CALL, json=ASK, timeout=60)
    finally:
        api.down = False
    assert answer.status_code == 503
    assert "simulated" in answer.text
    broken = httpx2.post(
        proxy + CALL, content=b"{", headers={"content-type": "application/json"}, timeout=60
    )
    assert broken.status_code == 400


def test_what_stays_encoded_is_passed_on_so(start_proxy: Any, serve: Any, desk: Any) -> None:
    usage = {"usage": {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3}}
    packed = gzip.compress(json.dumps(usage).encode())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-encoding", b"gzip"), (b"content-type", b"application/json")]
        headers += [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": packed})

    with start_proxy("--provider", "openai", "--upstream", serve(app)) as url:
        with httpx2.stream("POST", url + CALL, json=ASK, timeout=60) as flow:
            assert b"".join(flow.iter_raw()) == packed
        assert flow.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert last(desk)[1].get("openai/gpt-x/tokens", 3) == 3


def test_cookies_are_the_callers_own(start_proxy: Any, serve: Any) -> None:
    brought: list[bytes | None] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        brought.append(dict(scope["headers"]).get(b"cookie"))
        headers = [(b"set-cookie", b"who=first"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    with start_proxy("--provider", "openai", "--upstream", serve(app)) as url:
        first = httpx2.get(f"{url}/v1/models", timeout=60)
        httpx2.get(f"{url}/v1/models", timeout=60)
        httpx2.get(f"{url}/v1/models", timeout=60, headers={"cookie": "who=third"})
    assert first.headers["set-cookie"] == "who=first"
    assert brought == [None, None, b"who=third"]


def test_an_account_that_the_policy_does_not_have_is_named(start_proxy: Any, upstream: str) -> None:
    words = ("--provider", "openai", "--provider-id", "other", "--upstream", upstream)
    with start_proxy(*words) as url:
        answer = httpx2.post(url + CALL, json=ASK, timeout=60)
    assert answer.status_code == 502
    said = answer.json()["error"]["message"]
    assert "'other', which --provider-id may name otherwise: no provider is called 'other'" in said


def test_a_provider_that_is_gone_is_a_502_and_costs_nothing(start_proxy: Any, desk: Any) -> None:
    with start_proxy("--provider", "openai", "--upstream", "http://127.0.0.1:9") as url:
        answer = httpx2.post(url + CALL, json=ASK, timeout=60)
        assert httpx2.get(f"{url}/-/health", timeout=60).text == "ok\n"
    assert answer.status_code == 502
    assert last(desk)[0] == "cancelled"


def test_without_a_daemon_nothing_is_passed_on_and_it_says_so(
    running: Any, upstream: str, api: Any
) -> None:
    asked = len(api.asked)
    words = ("--provider", "openai", "--upstream", upstream, "--json")
    with running(*words, RATELORD_URL="http://127.0.0.1:9") as url:
        answer = httpx2.post(url + CALL, json=ASK, timeout=60)
        assert answer.status_code == 503
        assert "ratelord up" in answer.json()["error"]["message"]
    assert len(api.asked) == asked


def test_what_would_refuse_every_call_is_said_at_once(desk: Any, complaint: Any) -> None:
    words = ("--provider", "openai", "--provider-id", "other")
    said = complaint(*words, RATELORD_URL=desk.daemon.url)
    assert "calls will be refused: no provider is called 'other'" in said
    said = complaint(*words, RATELORD_URL="http://127.0.0.1:9")
    assert "calls are refused for now: no daemon at http://127.0.0.1:9" in said


def test_a_place_that_is_taken_is_named(proxy: str, capsys: Any) -> None:
    from ratelord_core.cli.app import run

    place = proxy.removeprefix("http://")
    assert run(["proxy", "--provider", "openai", "--listen", place]) == 1
    assert "cannot listen on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--provider", "headers"], "give the provider's address"),
        (["--provider", "openai", "--upstream", "http://api.example.com"], "use https"),
        (["--provider", "openai", "--listen", "8091"], "HOST:PORT"),
        (["--provider", "openai", "--listen", "0.0.0.0:0"], "--insecure-public"),
    ],
)
def test_a_wrong_flag_is_named(words: list[str], said: str, capsys: Any) -> None:
    from ratelord_core.cli.app import run

    assert run(["proxy", *words]) == 1
    assert said in capsys.readouterr().err


async def _crowd(url: str, agents: int, calls: int) -> list[int]:
    """The statuses that so many agents get, who ask all at once and do not try again."""

    async def agent(number: int) -> list[int]:
        name = {"x-ratelord-agent": f"agent:{number}"}
        answers = [await client.post(CALL, json=ASK, headers=name) for _ in range(calls)]
        return [answer.status_code for answer in answers]

    limits = httpx2.Limits(max_connections=agents)
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        found = await asyncio.gather(*map(agent, range(agents)))
    return [status for statuses in found for status in statuses]


def test_fifty_agents_are_refused_nothing_with_the_proxy_and_much_without(
    proxy: str, serve: Any, api: Any
) -> None:
    # However slow the crowd is here, what it took does not come back meanwhile.
    without = asyncio.run(_crowd(serve(EnforcingOpenai(40, 1_000_000, 86_400.0)), 50, 2))
    assert (without.count(200), without.count(429)) == (40, 60)
    before = api.refused
    governed = asyncio.run(_crowd(proxy, 50, 2))
    assert api.refused == before, "the provider refused nobody"
    assert governed == [200] * 100
