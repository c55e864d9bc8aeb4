"""Clients that know of no provider: httpx2, httpx, requests; and Gemini over any of them."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

import ratelord

SAID = {
    "contents": [{"parts": [{"text": "one two three"}]}],
    "generationConfig": {"maxOutputTokens": 4},
}
CALL = "/v1beta/models/gemini-x:generateContent"


def test_httpx2_and_its_streams(providers: Any, settled: Any) -> None:
    with httpx2.Client(base_url=providers.gemini_url, timeout=60) as client:
        ratelord.capture(client, speech="gemini")
        answer = client.post(CALL, json=SAID)
        assert answer.json()["usageMetadata"]["totalTokenCount"] == 7
        assert settled() == ("success", {"gemini/gemini-x/requests": 1})
        with client.stream("POST", CALL.replace("generate", "streamGenerate"), json=SAID) as flow:
            assert len(list(flow.iter_lines())) == 8
        assert settled()[0] == "success"


def test_a_refusal_of_gemini_is_told_to_its_pool(providers: Any, desk: Any) -> None:
    providers.gemini.of("gemini-small")["requests"].take(20)  # for what comes back meanwhile
    with httpx2.Client(base_url=providers.gemini_url, timeout=60) as client:
        ratelord.capture(client, speech="gemini")
        answer = client.post(CALL.replace("gemini-x", "gemini-small"), json=SAID)
    assert answer.status_code == 429
    pool = desk.get("/v1/pools/gemini/gemini-small%2Frequests")
    assert pool["limit"] == 15
    assert pool["available"] <= 1


def test_httpx_is_as_good(providers: Any, settled: Any) -> None:
    httpx = pytest.importorskip("httpx")
    with httpx.Client(base_url=providers.openai_url) as client:
        ratelord.capture(client, speech="openai")
        said = {"model": "gpt-x", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3}
        assert client.post("/chat/completions", json=said).status_code == 200
    assert settled()[1]["openai/gpt-x/tokens"] == 4


def test_a_session_of_requests(providers: Any, settled: Any) -> None:
    requests = pytest.importorskip("requests")
    said = {"model": "gpt-x", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3}
    url = f"{providers.openai_url}/chat/completions"
    with requests.Session() as session:
        ratelord.capture(session, speech="openai")
        assert session.post(url, json=said).json()["usage"]["total_tokens"] == 4
        assert settled()[1]["openai/gpt-x/tokens"] == 4
        with session.post(url, json={**said, "stream": True}, stream=True) as flow:
            assert b"[DONE]" in b"".join(flow.iter_content(64))
        assert settled()[0] == "success"
        with session.post(url, json={**said, "stream": True}, stream=True) as flow:
            next(flow.iter_content(8))
        assert settled()[0] == "error"
    with requests.Session() as session:
        ratelord.capture(session, speech="openai", agent_id="agent:banned")
        refused = session.post(url, json=said)
        assert (refused.status_code, refused.json()["error"]["code"]) == (
            429,
            "rate_limit_exceeded",
        )


def test_any_other_call_is_a_request_of_its_account(providers: Any, desk: Any) -> None:
    with httpx2.Client(base_url=providers.openai_url, timeout=60) as client:
        ratelord.capture(client, workload_id="look")
        assert client.get("/models").status_code == 200
    decided = desk.get("/v1/events?type=intent_decided&limit=1")[0]
    assert decided["dimensions"]["workload_id"] == "look"


def test_what_cannot_be_captured_is_named() -> None:
    with pytest.raises(TypeError, match=r"cannot capture builtins\.int"):
        ratelord.capture(5)
    with pytest.raises(ValueError, match="speech 'klingon' is not known"):
        ratelord.capture(httpx2.Client(), speech="klingon")
