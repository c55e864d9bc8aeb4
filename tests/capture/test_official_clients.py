"""The official clients, unmodified, against servers that enforce: governed, and none the wiser."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

import ratelord

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")

SAID = [{"role": "user", "content": "one two three four"}]


@pytest.fixture
def gpt(providers: Any) -> Iterator[Any]:
    with openai.OpenAI(api_key="sk-s3cret", base_url=providers.openai_url) as client:
        yield client


@pytest.fixture
def claude(providers: Any) -> Iterator[Any]:
    with anthropic.Anthropic(api_key="sk-s3cret", base_url=providers.anthropic_url) as client:
        yield client


def test_a_captured_client_gets_what_it_would_get_anyway(gpt, providers, settled) -> None:
    ask = {"model": "gpt-x", "messages": SAID, "max_tokens": 5}
    before = gpt.chat.completions.create(**ask)
    providers.openai.cached = 3
    after = ratelord.capture(gpt).chat.completions.create(**ask)
    assert after.choices == before.choices
    assert after.model_dump(exclude={"usage"}) == before.model_dump(exclude={"usage"})
    outcome, units = settled()
    assert outcome == "success"
    assert units == {"openai/gpt-x/requests": 1, "openai/gpt-x/tokens": 9}


def test_headers_of_the_response_correct_the_pools(gpt, desk) -> None:
    ratelord.capture(gpt).embeddings.create(model="gpt-x", input="one two", encoding_format="float")
    pool = desk.get("/v1/pools/openai/gpt-x%2Frequests")
    assert pool["limit"] == 100, "as the provider says, not as configured"
    assert pool["observed_at"] is not None


def test_a_stream_is_settled_at_its_end(gpt, settled) -> None:
    ratelord.capture(gpt)
    options = {"stream": True, "stream_options": {"include_usage": True}}
    pieces = list(
        gpt.chat.completions.create(model="gpt-x", messages=SAID, max_tokens=7, **options)
    )
    assert sum(bool(one.choices and one.choices[0].delta.content) for one in pieces) == 7
    assert settled() == ("success", {"openai/gpt-x/requests": 1, "openai/gpt-x/tokens": 11})


def test_a_stream_that_says_no_usage_is_counted_as_it_flows(gpt, settled) -> None:
    ratelord.capture(gpt)
    list(gpt.chat.completions.create(model="gpt-x", messages=SAID, max_tokens=7, stream=True))
    outcome, units = settled()
    assert outcome == "success"
    assert 7 < units["openai/gpt-x/tokens"] < 40


def test_a_stream_that_is_given_up_is_settled_for_what_came(gpt, providers, settled) -> None:
    providers.openai.pause = 0.01
    ratelord.capture(gpt)
    with gpt.chat.completions.create(
        model="gpt-x", messages=SAID, max_tokens=500, stream=True
    ) as stream:
        for number, _ in enumerate(stream):
            if number == 10:
                break
    outcome, units = settled()
    assert outcome == "error"
    assert 10 <= units["openai/gpt-x/tokens"] < 400


def test_the_responses_api_is_understood(gpt, settled) -> None:
    ratelord.capture(gpt)
    whole = gpt.responses.create(model="gpt-x", input="one two three", max_output_tokens=4)
    assert whole.output_text.split() == ["word"] * 4
    assert settled()[1]["openai/gpt-x/tokens"] == 7
    stream = gpt.responses.create(model="gpt-x", input="one", max_output_tokens=4, stream=True)
    assert [event.type for event in stream][-1] == "response.completed"
    assert settled()[1]["openai/gpt-x/tokens"] == 5


def test_claude_counts_input_and_output_apart_and_not_what_the_cache_had(
    claude, providers, settled
) -> None:
    providers.anthropic.cached = 1
    ratelord.capture(claude)
    claude.messages.create(model="claude-x", max_tokens=6, messages=SAID)
    units = {
        "anthropic/claude-x/requests": 1,
        "anthropic/claude-x/input_tokens": 3,
        "anthropic/claude-x/output_tokens": 6,
    }
    assert settled() == ("success", units)
    with claude.messages.stream(model="claude-x", max_tokens=6, messages=SAID) as stream:
        assert stream.get_final_text().split() == ["word"] * 6
    assert settled() == ("success", units)


def test_an_asynchronous_client_is_governed_too(providers, settled) -> None:
    async def run() -> None:
        async with openai.AsyncOpenAI(api_key="k", base_url=providers.openai_url) as client:
            ratelord.capture(client)
            await client.chat.completions.create(model="gpt-x", messages=SAID, max_tokens=5)
            assert settled()[1]["openai/gpt-x/tokens"] == 9
            stream = await client.chat.completions.create(
                model="gpt-x", messages=SAID, max_tokens=3, stream=True
            )
            async for _ in stream:
                pass

    asyncio.run(run())
    assert settled()[0] == "success"


def test_a_cancelled_task_leaves_no_hold_behind(providers, desk, settled) -> None:
    providers.openai.pause = 0.05

    async def run() -> None:
        async with openai.AsyncOpenAI(api_key="k", base_url=providers.openai_url) as client:
            ratelord.capture(client)
            with anyio.CancelScope() as hurry:
                stream = await client.chat.completions.create(
                    model="gpt-x", messages=SAID, max_tokens=1000, stream=True
                )
                async for _ in stream:
                    hurry.cancel()

    asyncio.run(run())
    outcome, units = settled()
    assert outcome == "error"
    assert units["openai/gpt-x/tokens"] < 1000
    assert desk.get("/v1/pools/openai/gpt-x%2Ftokens")["held"] == 0


def test_a_denial_is_the_providers_own_refusal(gpt, claude, providers) -> None:
    ratelord.capture(gpt, agent_id="agent:banned")
    with pytest.raises(openai.RateLimitError, match="not you") as caught:
        gpt.chat.completions.create(model="gpt-x", messages=SAID)
    assert caught.value.response.headers["x-ratelord-reason"] == "policy"
    assert providers.openai.asked == [], "neither now nor in a retry"
    ratelord.capture(claude, agent_id="agent:banned")
    with pytest.raises(anthropic.RateLimitError, match="not you"):
        claude.messages.create(model="claude-x", max_tokens=6, messages=SAID)
    assert providers.anthropic.asked == []


def test_without_a_daemon_nothing_is_sent(gpt, providers) -> None:
    with ratelord.Client("http://127.0.0.1:9", timeout=0.5) as governor:
        ratelord.capture(gpt, governor=governor)
        with pytest.raises(openai.InternalServerError):
            gpt.with_options(max_retries=0).chat.completions.create(model="gpt-x", messages=SAID)
    assert providers.openai.asked == []


def test_a_provider_that_refuses_is_reported_so_and_one_that_is_gone_costs_nothing(
    gpt, providers, settled
) -> None:
    ratelord.capture(gpt)
    once = gpt.with_options(max_retries=0)
    providers.openai.of("gpt-r")["requests"].take(10_000)  # none comes back while a test runs
    with pytest.raises(openai.RateLimitError):
        once.chat.completions.create(model="gpt-r", messages=SAID, max_tokens=3)
    assert settled()[0] == "rate_limited"
    gone = openai.OpenAI(api_key="k", base_url="http://127.0.0.1:9/v1", max_retries=0)
    ratelord.capture(gone, agent_id="agent:capped")
    with gone, pytest.raises(openai.APIConnectionError):
        gone.chat.completions.create(model="gpt-y", messages=SAID, max_tokens=3)
    assert settled() == ("cancelled", {"local/cap": 0})


def test_what_is_no_call_of_a_model_just_passes(gpt, providers, desk) -> None:
    before = desk.events("intent_decided")
    assert [one.id for one in ratelord.capture(gpt).models.list()] == ["gpt-x"]
    assert desk.events("intent_decided") == before


def test_captured_twice_it_asks_once(gpt, desk) -> None:
    ratelord.capture(gpt)
    ratelord.capture(gpt, agent_id="agent:second")
    before = len(desk.events("intent_decided"))
    gpt.chat.completions.create(model="gpt-y", messages=SAID, max_tokens=3)
    decided = desk.events("intent_decided")[before:]
    assert [one["dimensions"]["agent_id"] for one in decided] == ["agent:second"]


def test_no_key_and_no_word_gets_into_the_log(gpt, claude, desk) -> None:
    ratelord.capture(gpt).chat.completions.create(
        model="gpt-x", messages=[{"role": "user", "content": "whisper"}], max_tokens=3
    )
    ratelord.capture(claude).messages.create(
        model="claude-x", max_tokens=3, messages=[{"role": "user", "content": "whisper"}]
    )
    log = str(desk.events())
    assert "s3cret" not in log
    assert "whisper" not in log
