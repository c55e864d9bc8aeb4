"""Headers that contradict themselves are ignored as a whole and counted, by whatever way they come:
told by a program, with a report, from a captured client, through the proxy, or to a poll."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import httpx2
import pytest

import ratelord
from ratelord_core.testing.desk import Desk, desks, patiently
from ratelord_core.testing.raw_server import RawServer, saying

POLICY = """
providers:
  openai: [{id: openai, mode: manual, models: {gpt-x: {requests: 100, tokens: 100000}}}]
  anthropic: [{id: anthropic, models: {claude-x: {requests: 100, input_tokens: 100000, output_tokens: 100000}}}]
  headers: [{id: headers, pools: {default: {limit: 100, window: fixed, every: 60s}}}]
"""
FAR = "4102444800000000000000"
OPENAI = {
    "negative": {"remaining-requests": "-5"},
    "no number": {"limit-requests": "100", "remaining-requests": "lots"},
    "more than there is": {"limit-requests": "10", "remaining-requests": "11"},
    "a number beyond all": {"limit-requests": "9" * 40, "remaining-requests": "9" * 40},
}
ANTHROPIC = {
    "negative": {"requests-limit": "100", "requests-remaining": "-1"},
    "no time": {"requests-limit": "100", "requests-remaining": "9", "requests-reset": "soon"},
    "not of this world": {"requests-limit": "0x64", "requests-remaining": "٣"},
}
ANY = {
    "no field": {"ratelimit": '"burst";r=oops'},
    "more than there is": {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "11"},
    "an age without end": {
        "x-ratelimit-limit": "10",
        "x-ratelimit-remaining": "1",
        "x-ratelimit-reset": FAR,
    },
}
BAD = [
    *(("openai", {f"x-ratelimit-{k}": v for k, v in each.items()}) for each in OPENAI.values()),
    *(
        ("anthropic", {f"anthropic-ratelimit-{k}": v for k, v in each.items()})
        for each in ANTHROPIC.values()
    ),
    *(("headers", each) for each in ANY.values()),
]
NAMES = [
    f"{provider}, {name}"
    for provider, all_ in (("openai", OPENAI), ("anthropic", ANTHROPIC), ("headers", ANY))
    for name in all_
]
CALLS: dict[str, tuple[str, Any]] = {
    "openai": ("/v1/chat/completions", {"model": "gpt-x", "messages": [], "max_tokens": 5}),
    "anthropic": ("/v1/messages", {"model": "claude-x", "messages": [], "max_tokens": 5}),
    "headers": ("/anything", {}),
}
MODELS = {"openai": "gpt-x", "anthropic": "claude-x", "headers": None}


class Scene(NamedTuple):
    """The daemon, the provider's side, and the proxies before it."""

    desk: Desk
    server: RawServer
    proxies: Mapping[str, str]

    def ignored(self, provider: str) -> int:
        """How many responses were."""
        health = self.desk.get("/v1/health")["providers"][provider]
        return int(health["headers_ignored"])

    def known(self) -> list[Any]:
        """What the log has from providers."""
        told = ("provider_poll_observed", "constraint_observed", "usage_observed", "drift_detected")
        return [event for event in self.desk.events() if event["event_type"] in told]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, running: Callable[..., Any]) -> Iterator[Scene]:
    with desks(tmp_path_factory.mktemp("ignored"), POLICY) as begin, RawServer(saying()) as server:
        desk = begin()
        here = {"RATELORD_URL": desk.daemon.url}
        start = ("--upstream", server.url, "--max-wait", "0", "--provider")
        with (
            running(*start, "openai", **here) as one,
            running(*start, "anthropic", **here) as two,
            running(*start, "headers", **here) as three,
        ):
            yield Scene(desk, server, {"openai": one, "anthropic": two, "headers": three})


@pytest.fixture(autouse=True)
def _at_home(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATELORD_URL", scene.desk.daemon.url)


def observe(scene: Scene, provider: str, headers: Mapping[str, str]) -> None:
    """A program tells of a response."""
    model = MODELS[provider]
    told = {**headers, "x-ratelord-model": model} if model else dict(headers)
    body = {"provider_id": provider, "headers": told}
    assert scene.desk.post("/v1/observations", body).json()["pools"] == []


def report(scene: Scene, provider: str, headers: Mapping[str, str]) -> None:
    """An agent passes a response's headers with its report."""
    answer = scene.desk.ask(provider_id=provider, model=MODELS[provider])
    body = {"outcome": "success", "headers": dict(headers)}
    done = scene.desk.post(f"/v1/intents/{answer['intent_id']}/report", body)
    assert done.status_code == 200, done.text


def capture(scene: Scene, provider: str, headers: Mapping[str, str]) -> None:
    """A captured client gets it."""
    with httpx2.Client(base_url=scene.server.url, timeout=60, trust_env=False) as client:
        _call(ratelord.capture(client, speech=provider, max_wait=0), scene, provider, headers)


def proxy(scene: Scene, provider: str, headers: Mapping[str, str]) -> None:
    """A client gets it through the proxy."""
    with httpx2.Client(base_url=scene.proxies[provider], timeout=60, trust_env=False) as client:
        _call(client, scene, provider, headers)


def _call(client: Any, scene: Scene, provider: str, headers: Mapping[str, str]) -> None:
    body = json.dumps({"usage": {"prompt_tokens": 1, "input_tokens": 1}}).encode()
    sent = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    lines = {"content_type": "application/json", **sent}
    scene.server.answer = saying(200, body, **lines)
    path, content = CALLS[provider]
    answer = client.post(path, json=content)
    assert (answer.status_code, answer.content) == (200, body), "the caller gets what was sent"
    for name, value in sent.items():
        assert (name.encode(), value.encode("latin-1")) in answer.headers.raw


@pytest.mark.parametrize("way", [observe, report, capture, proxy], ids=lambda way: way.__name__)
@pytest.mark.parametrize(("provider", "headers"), BAD, ids=NAMES)
def test_it_is_counted_once_and_changes_nothing(
    scene: Scene, provider: str, headers: dict[str, str], way: Callable[..., None]
) -> None:
    before, known = scene.ignored(provider), scene.known()

    way(scene, provider, headers)

    patiently(lambda: scene.ignored(provider) > before)
    assert scene.ignored(provider) == before + 1
    assert scene.known() == known
