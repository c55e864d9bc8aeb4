"""A daemon, providers that enforce, and who calls them: governed or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from ratelord_core.testing.desk import Desk, desks
from ratelord_core.testing.enforcing import EnforcingAnthropic, EnforcingGemini, EnforcingOpenai
from ratelord_core.testing.loopback import LoopbackServer

POLICY = """
providers:
  openai: [{id: openai, models: {gpt-x: {requests: 1000, tokens: 100000}, gpt-r: {requests: 1000}}}]
  anthropic: [{id: anthropic, models: {claude-x: {requests: 1000, input_tokens: 40000, output_tokens: 8000}}}]
  gemini: [{id: gemini, models: {gemini-x: {requests: 1000}, gemini-small: {requests: 1000}}}]
  headers: [{id: headers}]
pools:
  - {id: cap, limit: 1000, window: {kind: fixed, every: 1h}, shared_by: ["agent:capped"], unit: requests}
policies:
  - id: no-go
    scope: agent:banned
    rules: [{name: banned, condition: "true", action: deny, params: {reason: "not you"}}]
"""


class Providers(NamedTuple):
    """The servers, and where they are."""

    openai: EnforcingOpenai
    openai_url: str
    anthropic: EnforcingAnthropic
    anthropic_url: str
    gemini: EnforcingGemini
    gemini_url: str


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The daemon of a module."""
    with desks(tmp_path_factory.mktemp("capture"), POLICY) as begin:
        yield begin()


@pytest.fixture
def providers() -> Iterator[Providers]:
    """Fresh providers."""
    openai, anthropic, gemini = EnforcingOpenai(), EnforcingAnthropic(), EnforcingGemini()
    servers = [LoopbackServer(api) for api in (openai, anthropic, gemini)]
    with servers[0] as one, servers[1] as two, servers[2] as three:
        yield Providers(openai, f"{one.url}/v1", anthropic, two.url, gemini, three.url)


@pytest.fixture(autouse=True)
def _point_at_the_daemon(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATELORD_URL", desk.daemon.url)
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def settled(desk: Desk) -> Any:
    """``settled()``: outcome and units by pool of the last report."""

    def last() -> tuple[str, dict[str, int]]:
        event = desk.get("/v1/events?type=intent_reported&limit=1")[0]
        payload = event["payload"]
        return payload.get("outcome", "success"), dict(payload["settled"])

    return last
