"""Google's own client, unmodified, against a server that enforces: as it is, captured, and through
the proxy. Its public options take the address, and the HTTP client that sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import httpx2
import pytest

import ratelord
from ratelord_core.testing.desk import Desk, desks, patiently
from ratelord_core.testing.enforcing import EnforcingGemini
from ratelord_core.testing.loopback import LoopbackServer

genai = pytest.importorskip("google.genai")

POLICY = """
providers:
  gemini: [{id: gemini, models: {gemini-x: {requests: 100000, input_tokens: 100000000}}}]
policies:
  - id: no-go
    scope: agent:banned
    rules: [{name: banned, condition: "true", action: deny, params: {reason: "not you"}}]
"""
WAYS = ["direct", "capture", "proxy"]
GOVERNED = ["capture", "proxy"]
SAID = "one two three four"


class Place(NamedTuple):
    """The provider, and where it and the proxy before it are."""

    api: EnforcingGemini
    url: str
    proxy: str

    @contextmanager
    def client(self, way: str, agent: str = "agent:me") -> Iterator[Any]:
        """The client's models, by this way."""
        with httpx2.Client(timeout=60) as http:
            client = genai.Client(
                api_key="AIza-s3cret", http_options=self._options(way, http, agent)
            )
            yield client.models

    @asynccontextmanager
    async def awaiting(self, way: str, agent: str = "agent:me") -> AsyncIterator[Any]:
        """As ``client``, for who awaits."""
        async with httpx2.AsyncClient(timeout=60) as http:
            client = genai.Client(
                api_key="AIza-s3cret", http_options=self._options(way, http, agent)
            )
            yield client.aio.models

    def _options(self, way: str, http: Any, agent: str) -> Any:
        if way == "capture":
            ratelord.capture(http, speech="gemini", agent_id=agent, max_wait=0)
        sends = "httpx_async_client" if isinstance(http, httpx2.AsyncClient) else "httpx_client"
        return genai.types.HttpOptions(
            base_url=self.proxy if way == "proxy" else self.url,
            headers={"x-ratelord-agent": agent} if way == "proxy" else {},
            **{sends: http},
        )


def ask(most: int = 5) -> dict[str, Any]:
    """A call of the model."""
    config = genai.types.GenerateContentConfig(max_output_tokens=most)
    return {"model": "gemini-x", "contents": SAID, "config": config}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desks(tmp_path_factory.mktemp("gemini"), POLICY) as begin:
        yield begin()


@pytest.fixture(scope="module")
def whole(desk: Desk, running: Callable[..., Any]) -> Iterator[Place]:
    api = EnforcingGemini(10_000, 10_000_000)
    with ExitStack() as stack:
        url = stack.enter_context(LoopbackServer(api)).url
        words = ("--provider", "gemini", "--upstream", url, "--max-wait", "0")
        yield Place(api, url, stack.enter_context(running(*words, RATELORD_URL=desk.daemon.url)))


@pytest.fixture
def place(whole: Place, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("RATELORD_URL", desk.daemon.url)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    yield whole
    whole.api.down, whole.api.pause, whole.api.keys = False, 0.0, None


@pytest.fixture
def settled(desk: Desk) -> Callable[[], Any]:
    """Once the last call was reported, and nothing is held, its outcome and units."""

    def reported() -> Any:
        [told] = desk.get("/v1/events?type=intent_reported&limit=1") or [{"seq": 0}]
        [decided] = desk.get("/v1/events?type=intent_decided&limit=1")
        held = any(pool["held"] for pool in desk.pools())
        return told if told["seq"] > decided["seq"] and not held else None

    def look() -> tuple[str, dict[str, int]]:
        payload = patiently(reported)["payload"]
        return payload.get("outcome", "success"), dict(payload["settled"])

    return look


@pytest.mark.parametrize("way", WAYS)
def test_calls_and_streams(place: Place, way: str, settled: Any) -> None:
    with place.client(way) as models:
        answer = models.generate_content(**ask())
        assert answer.text.split() == ["word"] * 5
        assert answer.usage_metadata.total_token_count == 9
        pieces = list(models.generate_content_stream(**ask()))
        assert [piece.text for piece in pieces] == ["word "] * 5
    if way != "direct":
        units = {"gemini/gemini-x/requests": 1, "gemini/gemini-x/input_tokens": 4}
        assert settled() == ("success", units)


@pytest.mark.parametrize("way", WAYS)
def test_calls_and_streams_that_are_awaited(place: Place, way: str, settled: Any) -> None:
    async def run() -> None:
        async with place.awaiting(way) as models:
            answers = await asyncio.gather(*(models.generate_content(**ask()) for _ in range(4)))
            assert [answer.text.split() for answer in answers] == [["word"] * 5] * 4
            stream = await models.generate_content_stream(**ask())
            assert [piece.text async for piece in stream] == ["word "] * 5

    asyncio.run(run())
    if way != "direct":
        assert settled()[0] == "success"


@pytest.mark.parametrize("way", WAYS)
def test_errors_are_the_librarys_own(place: Place, way: str, settled: Any) -> None:
    with place.client(way) as models:
        place.api.keys = frozenset({"another"})
        with pytest.raises(genai.errors.ClientError) as unknown:
            models.generate_content(**ask())
        place.api.keys, place.api.down = None, True
        with pytest.raises(genai.errors.ServerError, match="simulated"):
            models.generate_content(**ask())
        place.api.down, place.api.refuse_next = False, 1
        with pytest.raises(genai.errors.ClientError, match="simulated") as refused:
            models.generate_content(**ask())
    assert (unknown.value.code, refused.value.code) == (401, 429)
    assert refused.value.status == "RESOURCE_EXHAUSTED"
    if way != "direct":
        assert settled()[0] == "rate_limited"


@pytest.mark.parametrize("way", GOVERNED)
def test_a_refusal_is_caught_as_the_providers(place: Place, way: str) -> None:
    asked = len(place.api.asked)
    with (
        place.client(way, "agent:banned") as models,
        pytest.raises(genai.errors.ClientError, match="not you") as banned,
    ):
        models.generate_content(**ask())
    assert (banned.value.code, banned.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert len(place.api.asked) == asked


@pytest.mark.parametrize("way", GOVERNED)
def test_a_stream_that_is_left_leaves_no_hold_behind(place: Place, way: str, settled: Any) -> None:
    place.api.pause = 0.02
    with place.client(way) as models:
        stream = models.generate_content_stream(**ask(2000))
        assert next(stream).text == "word "
        stream.close()
    assert settled()[0] == "error"


def test_no_key_and_no_word_gets_into_the_log(place: Place, desk: Desk) -> None:
    for way in GOVERNED:
        with place.client(way) as models:
            models.generate_content(**ask() | {"contents": "whisper"})
    log = str(desk.events())
    assert "s3cret" not in log
    assert "whisper" not in log
