"""Streams are many, and nobody has them all: not one token, not one address, of whatever kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from ratelord_core.errors import Unavailable
from ratelord_core.model.caller import Caller
from ratelord_core.stream_seats import StreamSeats, party_of
from ratelord_core.testing.daemon_process import DaemonProcess

Problem = Callable[..., dict[str, Any]]
EVENTS = "/v1/events?stream=true"
LISTEN = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "subscriptions/listen",
    "params": {
        "notifications": {"resourcesListChanged": True},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}
LISTENS = {
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "subscriptions/listen",
}


def test_a_party_gets_its_share_and_all_together_no_more_than_there_are():
    seats = StreamSeats(most=3, each=2)
    with ExitStack() as mine, seats.taken("a"):
        mine.enter_context(seats.taken("a"))
        with pytest.raises(Unavailable, match="2 streams are yours, which is the most"):
            mine.enter_context(seats.taken("a"))
        mine.enter_context(seats.taken("b"))
        with pytest.raises(Unavailable, match="3 streams are open, which is the most") as refused:
            mine.enter_context(seats.taken("c"))
        assert refused.value.code == "too_many_streams"
    with ExitStack() as again:
        for party in ("c", "c", "a"):
            again.enter_context(seats.taken(party))


def test_a_token_answers_for_its_streams_and_an_address_where_there_is_none():
    scope = {"client": ("192.0.2.7", 4711)}
    assert party_of(Caller(identity_id="bot:a"), scope) == party_of(Caller(identity_id="bot:a"), {})
    others = {
        party_of(Caller(identity_id="192.0.2.7"), scope),
        party_of(Caller(), scope),
        party_of(Caller(), {"client": ("192.0.2.8", 4711)}),
        party_of(Caller(), {"client": None}),
    }
    assert len(others) == 4


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """A daemon with four streams, two for each."""
    environment = {"RATELORD_MAX_STREAMS": "4", "RATELORD_MAX_STREAMS_EACH": "2"}
    with DaemonProcess(tmp_path_factory.mktemp("narrow"), environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
def viewers(narrow: DaemonProcess) -> list[dict[str, str]]:
    """What two parties say of themselves."""
    made = [
        httpx2.post(
            f"{narrow.url}/v1/identities",
            json={"identity_id": f"bot:{name}", "role": "viewer"},
            timeout=60,
        ).json()["token"]
        for name in ("a", "b")
    ]
    return [{"authorization": f"Bearer {token}"} for token in made]


def test_who_has_as_many_as_it_may_is_told_so_and_others_still_get_theirs(
    narrow: DaemonProcess, viewers: list[dict[str, str]], problem: Problem
) -> None:
    greedy, modest = viewers
    with httpx2.Client(base_url=narrow.url, timeout=60) as client, ExitStack() as opened:
        first = opened.enter_context(client.stream("GET", EVENTS, headers=greedy))
        assert first.status_code == 200
        listening = client.stream("POST", "/mcp", json=LISTEN, headers=LISTENS | greedy)
        told = opened.enter_context(listening).iter_lines()
        assert any("acknowledged" in line for line in told), "it listens"

        for refused in (
            client.get(EVENTS, headers=greedy),
            client.post("/mcp", json=LISTEN, headers=LISTENS | greedy),
        ):
            said = problem(refused, 429, "too_many_streams")
            assert "RATELORD_MAX_STREAMS_EACH" in said["detail"]
            assert int(refused.headers["retry-after"]) >= 1
        assert client.get("/v1/health", headers=greedy).status_code == 200

        for _ in range(2):
            theirs = opened.enter_context(client.stream("GET", EVENTS, headers=modest))
            assert theirs.status_code == 200
        full = problem(client.get(EVENTS), 429, "too_many_streams")
        assert full["detail"].startswith("4 streams are open")


def test_a_stream_that_was_left_makes_room_for_another(
    narrow: DaemonProcess, viewers: list[dict[str, str]]
) -> None:
    with httpx2.Client(base_url=narrow.url, timeout=60) as client:
        for _ in range(2):
            # Hanging up takes the daemon a moment to notice.
            while (opened := _opened(client, viewers[0])) == 429:
                pass
            assert opened == 200


def _opened(client: httpx2.Client, headers: dict[str, str]) -> int:
    with client.stream("GET", EVENTS, headers=headers) as stream:
        return stream.status_code
