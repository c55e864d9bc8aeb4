"""The official packages, unmodified, against servers that enforce: as they are, captured, and
through the proxy. Whatever the way, a program gets and catches the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

import ratelord
from ratelord_core.testing.desk import Desk, desks, patiently
from ratelord_core.testing.enforcing import EnforcingAnthropic, EnforcingOpenai
from ratelord_core.testing.loopback import LoopbackServer

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")

POLICY = """
providers:
  openai: [{id: openai, mode: manual, models: {gpt-x: {requests: 100000, tokens: 100000000}}}]
  anthropic: [{id: anthropic, models: {claude-x: {requests: 100000, input_tokens: 100000000, output_tokens: 100000000}}}]
policies:
  - id: no-go
    scope: agent:banned
    rules: [{name: banned, condition: "true", action: deny, params: {reason: "not you"}}]
  - id: hasty
    scope: agent:hasty
    limit: {amount: 1, window: {kind: bucket, every: 1s}}
"""
SAID = [{"role": "user", "content": "one two three four"}]
PLACE = {"type": "object", "properties": {"place": {"type": "string"}}}
WAYS = ["direct", "capture", "proxy"]
GOVERNED = ["capture", "proxy"]


class Place(NamedTuple):
    """A provider: its server, where it and the proxy before it are, how it is called."""

    name: str
    library: Any
    api: Any
    url: str
    proxy: str

    def client(
        self, way: str, *, awaits: bool = False, agent: str = "agent:me", **named: Any
    ) -> Any:
        """An official client that goes this way."""
        kind = {
            ("openai", False): openai.OpenAI,
            ("openai", True): openai.AsyncOpenAI,
            ("anthropic", False): anthropic.Anthropic,
            ("anthropic", True): anthropic.AsyncAnthropic,
        }[self.name, awaits]
        root = self.proxy if way == "proxy" else self.url
        path = "/v1" if self.name == "openai" else ""
        headers = {"x-ratelord-agent": agent} if way == "proxy" else {}
        named = {"api_key": "sk-s3cret", "max_retries": 0, "default_headers": headers} | named
        client = kind(base_url=root + path, **named)
        return ratelord.capture(client, agent_id=agent, max_wait=0) if way == "capture" else client

    def ask(self, client: Any, **named: Any) -> Any:
        """One call of the model; ``tool`` lets it call one."""
        create = client.chat.completions.create if self.name == "openai" else client.messages.create
        model = "gpt-x" if self.name == "openai" else "claude-x"
        if named.pop("tool", False):
            named["tools"] = [
                {"type": "function", "function": {"name": "look", "parameters": PLACE}}
                if self.name == "openai"
                else {"name": "look", "input_schema": PLACE}
            ]
        if named.get("stream") and self.name == "openai":
            named["stream_options"] = {"include_usage": True}
        return create(**{"model": model, "messages": SAID, "max_tokens": 5} | named)

    def text(self, answer: Any) -> str:
        """What it said."""
        if self.name == "openai":
            return str(answer.choices[0].message.content)
        return "".join(block.text for block in answer.content)

    def words(self, event: Any) -> int:
        """Whether this event of a stream brings a word."""
        if self.name == "openai":
            return int(bool(event.choices and event.choices[0].delta.content))
        return int(event.type == "content_block_delta")

    def tool(self, answer: Any) -> str:
        """The tool that it calls."""
        if self.name == "openai":
            return str(answer.choices[0].message.tool_calls[0].function.name)
        return str(answer.content[0].name)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desks(tmp_path_factory.mktemp("everywhere"), POLICY) as begin:
        yield begin()


@pytest.fixture(scope="module")
def places(desk: Desk, running: Callable[..., Any]) -> Iterator[dict[str, Place]]:
    with ExitStack() as stack:
        found = {}
        for name, library, api in (
            ("openai", openai, EnforcingOpenai(10_000, 10_000_000)),
            ("anthropic", anthropic, EnforcingAnthropic(10_000, 10_000_000, 10_000_000)),
        ):
            url = stack.enter_context(LoopbackServer(api)).url
            words = ("--provider", name, "--upstream", url, "--max-wait", "0")
            proxy = stack.enter_context(running(*words, RATELORD_URL=desk.daemon.url))
            found[name] = Place(name, library, api, url, proxy)
        yield found


@pytest.fixture(params=["openai", "anthropic"])
def place(request: Any, places: dict[str, Place], desk: Desk, monkeypatch: Any) -> Iterator[Place]:
    monkeypatch.setenv("RATELORD_URL", desk.daemon.url)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    yield places[request.param]
    api = places[request.param].api
    api.down, api.pause, api.latency, api.keys = False, 0.0, 0.0, None


@pytest.fixture
def nothing_held(desk: Desk) -> Callable[[], None]:
    """Sees that every hold of these calls was settled: reports come beside the answers."""

    def look() -> None:
        patiently(lambda: not any(pool["held"] for pool in desk.pools()))

    return look


@pytest.mark.parametrize("way", WAYS)
def test_calls_streams_and_tools(place: Place, way: str, nothing_held: Any) -> None:
    with place.client(way) as client:
        assert place.text(place.ask(client)).split() == ["word"] * 5
        assert place.tool(place.ask(client, tool=True)) == "look"
        with place.ask(client, stream=True) as stream:
            assert sum(map(place.words, stream)) == 5
        with place.ask(client, stream=True, tool=True) as stream:
            assert "look" in str(list(stream))
    nothing_held()


@pytest.mark.parametrize("way", WAYS)
def test_calls_and_streams_that_are_awaited(place: Place, way: str, nothing_held: Any) -> None:
    async def run() -> None:
        async with place.client(way, awaits=True) as client:
            answers = await asyncio.gather(*(place.ask(client) for _ in range(4)))
            assert [place.text(answer).split() for answer in answers] == [["word"] * 5] * 4
            async with await place.ask(client, stream=True) as stream:
                assert sum([place.words(event) async for event in stream]) == 5

    asyncio.run(run())
    nothing_held()


@pytest.mark.parametrize("way", WAYS)
def test_errors_are_the_librarys_own(place: Place, way: str, nothing_held: Any) -> None:
    with place.client(way) as client:
        place.api.keys = frozenset({"another"})
        with pytest.raises(place.library.AuthenticationError):
            place.ask(client)
        place.api.keys, place.api.down = None, True
        with pytest.raises(place.library.InternalServerError, match="simulated"):
            place.ask(client)
        place.api.down, place.api.refuse_next = False, 1
        with pytest.raises(place.library.RateLimitError, match="simulated") as refused:
            place.ask(client)
        assert any("ratelimit" in name for name in refused.value.response.headers)
    nothing_held()


@pytest.mark.parametrize("way", WAYS)
def test_the_library_tries_again_by_itself(place: Place, way: str, nothing_held: Any) -> None:
    place.api.refuse_next = 1
    refused = place.api.refused
    with place.client(way, max_retries=5) as client:
        assert place.text(place.ask(client)).split() == ["word"] * 5
    assert place.api.refused == refused + 1
    nothing_held()


@pytest.mark.parametrize("way", GOVERNED)
def test_a_refusal_is_caught_as_the_providers(place: Place, way: str) -> None:
    asked = len(place.api.asked)
    with (
        place.client(way, agent="agent:banned", max_retries=2) as client,
        pytest.raises(place.library.RateLimitError, match="not you") as banned,
    ):
        place.ask(client)
    assert banned.value.response.headers["x-ratelord-reason"] == "policy"
    assert banned.value.response.headers["x-should-retry"] == "false", "time will not help"
    assert len(place.api.asked) == asked, "neither sent, nor tried again"


@pytest.mark.parametrize("way", GOVERNED)
def test_the_library_waits_as_long_as_a_refusal_says(place: Place, way: str) -> None:
    refused = place.api.refused
    with place.client(way, agent="agent:hasty", max_retries=5) as client:
        for _ in range(3):  # one a second
            assert place.text(place.ask(client)).split() == ["word"] * 5
    assert place.api.refused == refused


@pytest.mark.parametrize("way", WAYS)
def test_a_stream_that_is_left_and_a_task_that_is_cancelled(
    place: Place, way: str, nothing_held: Any
) -> None:
    place.api.pause = 0.02

    async def cancel() -> None:
        begun = asyncio.Event()

        async def read() -> None:
            async with (
                place.client(way, awaits=True) as client,
                await place.ask(client, stream=True, max_tokens=2000) as stream,
            ):
                async for _ in stream:
                    begun.set()

        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    abandoned = place.api.abandoned
    with (
        place.client(way) as client,
        place.ask(client, stream=True, max_tokens=2000) as stream,
    ):
        next(iter(stream))
    asyncio.run(cancel())
    patiently(lambda: place.api.abandoned == abandoned + 2)
    nothing_held()


@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_gives_up_waiting(place: Place, way: str, nothing_held: Any) -> None:
    place.api.latency = 3.0
    with (
        place.client(way, timeout=1.0) as client,
        pytest.raises(place.library.APITimeoutError),
    ):
        place.ask(client)
    nothing_held()
