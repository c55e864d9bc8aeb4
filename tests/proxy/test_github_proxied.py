"""A GraphQL query takes as many points as GitHub says, proxied or captured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

import ratelord
from ratelord_core.testing.desk import desks, patiently
from ratelord_core.testing.enforcing import EnforcingGithub
from ratelord_core.testing.loopback import LoopbackServer

QUERY = "query { a(first: 100) { b(first: 50) { c(first: 2) { id } } } rateLimit { cost } }"
CALL = "/api/graphql"
POOL = "gh/graphql"


@pytest.mark.parametrize("way", ["proxy", "capture"])
def test_a_query_settles_at_what_its_answer_says(
    way: str, tmp_path: Path, running: Callable[..., Any]
) -> None:
    github = EnforcingGithub({"graphql": 500})
    with LoopbackServer(github) as server:
        # Polled once only: what is known of the pool afterwards comes from what passes by.
        policy = f'providers: {{github: [{{id: gh, enterprise_url: "{server.url}", poll_interval: 1h}}]}}'
        words = ("--provider", "github", "--provider-id", "gh", "--upstream", server.url)
        with desks(tmp_path, policy) as begin:
            desk = begin()
            patiently(lambda: desk.pool(POOL)["limit"] == 500)
            with (
                running(*words, RATELORD_URL=desk.daemon.url) as at,
                ratelord.Client(desk.daemon.url, timeout=60) as governor,
                httpx2.Client(timeout=60, trust_env=False) as client,
            ):
                if way == "capture":
                    ratelord.capture(client, speech="github", provider_id="gh", governor=governor)
                url = at if way == "proxy" else server.url
                asked = client.post(url + CALL, json={"query": QUERY}).json()
                free = client.post(url + CALL, json={"query": "query { viewer { login } }"})
                reports = patiently(lambda: _reports(desk, 2))
    cost = asked["data"]["rateLimit"]["cost"]
    assert cost == 51
    assert "rateLimit" in free.json()["data"], "this server tells unasked"
    assert [one["settled"] for one in reports] == [[[POOL, cost]], [[POOL, 1]]]


def _reports(desk: Any, count: int) -> list[Any]:
    """The payloads of so many reports, once they are there."""
    found = desk.events("intent_reported")
    return [one["payload"] for one in found] if len(found) >= count else []
