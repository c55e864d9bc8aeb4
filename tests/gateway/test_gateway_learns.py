"""What a tool's answer tells of cost and of limits; and how a line is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.tool_mapping import PoolFacts
from ratelord_mcp import human
from ratelord_mcp.gateway.learning import Limited, costs_in, limit_in
from ratelord_mcp.gateway.messages import encode, read
from ratelord_mcp.gateway.serving import named

POOLS = {
    "a/tokens": PoolFacts("tokens", local=False),
    "a/money": PoolFacts("microusd", local=True),
    "a/time": PoolFacts("seconds", local=True),
    "a/calls": PoolFacts("requests", local=False),
}


def failed(said: str, **structured: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": said}]
    return {"result": {"isError": True, "content": content, "structuredContent": structured}}


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (failed("HTTP 429"), None),
        (failed("Error code: 429 - slow down"), None),
        (failed("429 Too Many Requests; Retry-After: 12"), 12.0),
        (failed("You are being rate limited. Try again in 1.5 minutes"), 90.0),
        (failed("Rate limit exceeded, retry after 500ms"), 0.5),
        (failed("you exceeded your current quota"), None),
        (failed("RESOURCE_EXHAUSTED: wait for 2 hours"), 7200.0),
        (failed("no", status=429, retry_after=7), 7.0),
        (failed("no", error={"code": 429, "retryAfter": 3}), 3.0),
        ({"error": {"code": 429, "message": "no"}}, None),
        ({"error": {"code": -32000, "message": "no", "data": {"status": 429}}}, None),
        (
            {"error": {"code": -32000, "message": "Too many requests", "data": {"retryAfter": 9}}},
            9.0,
        ),
    ],
)
def test_a_limit_is_known_by_what_the_error_says(
    answer: dict[str, Any], wait: float | None
) -> None:
    assert limit_in(answer) == Limited(wait)


@pytest.mark.parametrize(
    "answer",
    [
        failed("no such file, line 429"),
        failed("unknown parameter rate_limit"),
        failed("the limit of 429 rows was reached"),
        {"result": {"content": [{"type": "text", "text": "HTTP 429 explained"}]}},
        {"error": {"code": -32602, "message": "unknown tool"}},
        {"error": "odd"},
        {"result": [1]},
    ],
)
def test_other_errors_and_good_answers_are_no_limits(answer: dict[str, Any]) -> None:
    assert limit_in(answer) is None


@pytest.mark.parametrize(
    ("usage", "costs"),
    [
        ({"total_tokens": 9, "input_tokens": 1}, {"a/tokens": 9.0}),
        (
            {"input_tokens": 4, "output_tokens": 5, "cost_usd": 0.25},
            {"a/tokens": 9.0, "a/money": 250_000.0},
        ),
        ({"promptTokens": 1}, {}),
        ({"total_tokens": -1, "cost_microusd": float("nan")}, {}),
        ({"total_tokens": True, "cost_microusd": 7}, {"a/money": 7.0}),
    ],
)
def test_tokens_and_money_come_from_usage_and_time_from_the_clock(
    usage: dict[str, Any], costs: dict[str, float]
) -> None:
    for place in ({"_meta": {"x.example/usage": usage}}, {"structuredContent": {"usage": usage}}):
        assert costs_in(place, 2.1, POOLS, POOLS) == {"a/time": 3.0, **costs}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(["id", "method", "params", "result", "error", "x"]), anything)
)
def test_whatever_comes_is_read_without_a_fault_and_passed_on_as_it_was(
    content: dict[str, Any],
) -> None:
    line = json.dumps(content).encode()

    (message,) = read(line) or ()

    assert message.raw == line
    assert json.loads(encode(message.content)) == content
    assert isinstance(message.is_request, bool)
    assert isinstance(message.is_modern, bool)
    hash(message.key)
    assert limit_in(message.content) is None or "error" in content


@given(anything)
def test_only_a_clear_yes_of_a_human_is_one(answer: Any) -> None:
    assert not human.verdict(answer).allow
    assert not human.verdict({"action": "accept", "content": answer}).allow


@pytest.mark.parametrize(
    ("command", "url", "name"),
    [
        (["uvx", "mcp-server-git", "--repository", "."], "", "mcp-server-git"),
        (["npx", "-y", "@modelcontextprotocol/server-github@1.2"], "", "server-github"),
        (["/usr/bin/python3.11", "-m", "mcp_server_time"], "", "mcp_server_time"),
        (["node", "dist/index.js"], "", "index"),
        (["/opt/tools/search"], "", "search"),
        (["uvx"], "", "uvx"),
        ([], "https://search.example.com:8443/mcp", "search.example.com"),
    ],
)
def test_a_server_that_nobody_named_is_called_after_what_is_run(
    command: list[str], url: str, name: str
) -> None:
    assert named(command, url) == name
