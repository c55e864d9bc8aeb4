"""What is read from requests and responses, whatever they hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord.capturing import (
    ANTHROPIC,
    GEMINI,
    GITHUB,
    OPENAI,
    PLAIN,
    SPEECHES,
    Asked,
    Conversation,
    Names,
    Usage,
)
from ratelord.capturing.speech import refusal
from ratelord.decision import Decision, Evaluation

WORDS = [
    "usage",
    "choices",
    "response",
    "message",
    "type",
    "error",
    "details",
    "violations",
    "model",
    "messages",
    "usageMetadata",
    "@type",
    "quotaId",
    "retryDelay",
    "max_tokens",
    "input_tokens",
    "prompt_tokens",
    "prompt_tokens_details",
    "generationConfig",
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
PATHS = ("/v1/chat/completions", "/v1/messages", "/v1beta/models/gemini-x:generateContent")


@settings(max_examples=100)
@given(ANYTHING, st.sampled_from(sorted(SPEECHES)), st.sampled_from(PATHS))
def test_strange_content_is_not_counted_and_hurts_nobody(
    content: Any, name: str, path: str
) -> None:
    speech = SPEECHES[name]
    asked = speech.asked("POST", path, content)
    assert asked is None or asked.tokens_in >= 0
    used = speech.used([content, content])
    assert used is None or min(used.fresh, used.cached, used.output) >= 0
    assert speech.flowed([content]) >= 0
    assert all(value.isprintable() for value in speech.told(content).values())


@pytest.mark.parametrize(
    ("speech", "path", "content", "asked"),
    [
        (OPENAI, "/v1/chat/completions", {"model": "m", "messages": [{"content": "x" * 40}], "max_tokens": 9}, Asked("m", 10, 9)),
        (OPENAI, "/v1/chat/completions", {"model": "m", "messages": [], "max_tokens": 9, "n": 3}, Asked("m", 0, 27)),
        (OPENAI, "/openai/deployments/d/chat/completions", {"messages": [], "max_tokens": 1}, Asked("d", 0, 1)),
        (OPENAI, "/v1/embeddings", {"model": "e", "input": ["abcd", "abcd"]}, Asked("e", 2, 0)),
        (OPENAI, "/v1/files", {}, None),
        (ANTHROPIC, "/v1/messages", {"model": "c", "system": "abcd", "messages": [], "max_tokens": 5}, Asked("c", 1, 5)),
        (ANTHROPIC, "/v1/messages/count_tokens", {"model": "c"}, None),
        (GEMINI, "/v1beta/models/g:generateContent", {"contents": [{"parts": [{"text": "abcdefgh"}]}]}, Asked("g", 2, 256)),
        (GEMINI, "/v1/projects/p/locations/l/publishers/google/models/g:countTokens", {}, Asked("g", 0, 0)),
        (PLAIN, "/anything", None, Asked()),
    ],
)  # fmt: skip
def test_a_request_says_its_model_and_about_how_much_it_takes(speech, path, content, asked) -> None:
    assert speech.asked("POST", path, content) == asked


def test_pictures_are_no_text() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9999}}
    asked = OPENAI.asked("POST", "/v1/responses", {"model": "m", "input": [{"content": [picture]}]})
    assert asked is not None
    assert asked.tokens_in < 10


def test_cached_tokens_are_apart() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 64},
    }
    used = OPENAI.used([{"usage": usage}])
    assert used == Usage(36, 64, 7)
    assert used.costs("openai") == {
        "openai/tokens": 107, "openai/input_tokens": 36, "openai/cached_tokens": 64, "openai/output_tokens": 7
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "points"),
    [
        (b'{"data":{"viewer":{"login":"me"},"rateLimit":{"remaining":9,"cost":12}}}', 12),
        (b'{"data":{"rateLimit":{"cost":"12"}}}', None),
        (b'{"data":{"rateLimit":{"cost":-1}}}', None),
        (b'{"data":{"rateLimit":{"cost":0}}}', None),
        (b'{"data":{"rateLimit":{"cost":1e400}}}', None),
        (b'{"data":{"rateLimit":null}}', None),
        (b'{"data":null,"errors":[{"type":"RATE_LIMITED"}]}', None),
        (b"[1,2,3]", None),
        (b"[" * 99_999, None),
        (b"\xff\xfe", None),
        (b"", None),
    ],
)
def test_a_query_says_its_points_or_nothing_is_known(body: bytes, points: int | None) -> None:
    used = GITHUB.used([GITHUB.read(body)])
    assert (used and used.costs("gh")) == (points and {"gh/graphql": float(points)})


def test_a_refusals_details_become_rate_fields() -> None:
    name = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    violation = {"quotaId": name, "quotaValue": "250"}
    start = "type.googleapis.com/google.rpc."
    details = [
        {"@type": f"{start}QuotaFailure", "violations": [violation]},
        {"@type": f"{start}RetryInfo", "retryDelay": "22.5s"},
    ]
    assert GEMINI.told({"error": {"details": details}}) == {
        "ratelimit": f'"{name}";r=0;t=23',
        "ratelimit-policy": f'"{name}";q=250',
        "retry-after": "23",
    }


@pytest.mark.parametrize("wait", [None, 11.2])
@pytest.mark.parametrize("name", sorted(SPEECHES))
def test_a_denial_is_said_as_the_provider_would(name: str, wait: float | None) -> None:
    decision = Decision(
        intent_id="i",
        decision="deny_with_reason",
        status="deny_with_reason",
        allowed=False,
        reason_code="pool_exhausted",
        reason="none left",
        retry_after_seconds=wait,
        evaluation=Evaluation(tightest_pool="openai/gpt-x/tokens"),
    )
    said = refusal(SPEECHES[name], decision)
    assert said.status == 429
    assert "none left" in said.body.decode()
    assert json.loads(said.body)["message" if name == "github" else "error"]
    assert said.headers.get("retry-after") == (None if wait is None else "12")
    assert ("x-should-retry" in said.headers) == (wait is None)
    if wait is not None:
        assert said.headers["ratelimit"] == '"openai/gpt-x/tokens";r=0;t=12'


def conversation(body: bytes, **headers: str) -> Conversation:
    said = json.dumps({"model": "m", "messages": [], "max_tokens": 5}).encode()
    call = Conversation(OPENAI, Names("openai"), "POST", "/v1/chat/completions", said)
    call.answered(200, {name.replace("_", "-"): value for name, value in headers.items()})
    call.hear(body)
    return call


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (429, {}, "rate_limited"),
        (403, {"Retry-After": "60"}, "rate_limited"),
        (403, {"X-RateLimit-Remaining": "0"}, "rate_limited"),
        (403, {"X-RateLimit-Remaining": "7"}, "error"),
        (404, {"X-RateLimit-Remaining": "0"}, "error"),
    ],
)
def test_a_refusal_for_a_limit_is_told_from_any_other(
    status: int, headers: dict[str, str], outcome: str
) -> None:
    call = Conversation(GITHUB, Names("gh"), "GET", "/repos/a/b", b"")
    call.answered(status, headers)
    said = call.report(ended=True)
    assert said["outcome"] == outcome
    assert said["headers"] == {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("path", "costs"),
    [("/graphql", {"gh/graphql": 4000.0}), ("/repos/a/b/contents/told.json", None)],
)
def test_only_the_pool_that_was_asked_for_is_told_of(
    path: str, costs: dict[str, float] | None
) -> None:
    call = Conversation(GITHUB, Names("gh"), "GET", path, b"")
    call.answered(200, {"content-type": "application/vnd.github.raw+json"})
    call.hear(b'{"data":{"rateLimit":{"cost":4000}}}')
    assert call.report(ended=True)["costs"] == costs


def test_what_is_kept_of_a_response_is_bounded() -> None:
    call = conversation(b"x" * 9_000_000)
    assert call.report(ended=True)["costs"] is None


def test_an_encoding_that_cannot_be_read_leaves_what_was_held() -> None:
    call = conversation(b"no gzip", content_encoding="gzip")
    assert call.report(ended=True) == {
        "outcome": "success", "headers": {"x-ratelord-model": "m"}, "costs": None
    }  # fmt: skip


def test_headers_that_tell_no_limit_stay_here() -> None:
    call = conversation(
        b"{}", set_cookie="s3cret", x_ratelimit_remaining_tokens="5", authorization="x"
    )
    told = call.report(ended=True)["headers"]
    assert told == {"x-ratelimit-remaining-tokens": "5", "x-ratelord-model": "m"}
