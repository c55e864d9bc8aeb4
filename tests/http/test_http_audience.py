"""A token that was made for one address is worth nothing at another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from ratelord_core.http.audience import is_addressed
from ratelord_core.testing.daemon_process import DaemonProcess


@pytest.mark.parametrize(
    ("audience", "host", "path", "good"),
    [
        ("http://127.0.0.1:8090/mcp", "127.0.0.1:8090", "/mcp", True),
        ("http://127.0.0.1:8090/mcp/", "localhost:8090", "/mcp/x", True),
        ("http://127.0.0.1:8090", "[::1]:8090", "/v1/pools", True),
        ("http://127.0.0.1:8090/mcp", "127.0.0.1:8090", "/mcpx", False),
        ("http://127.0.0.1:8090/mcp", "127.0.0.1:8090", "/v1/intent", False),
        ("http://127.0.0.1:8091/mcp", "127.0.0.1:8090", "/mcp", False),
        ("https://other.example/mcp", "127.0.0.1:8090", "/mcp", False),
        ("http://localhost", "localhost", "/mcp", True),
        ("not an address", "localhost", "/mcp", False),
        ("http://localhost:99999/mcp", "localhost", "/mcp", False),
        ("http:///mcp", "localhost", "/mcp", False),
    ],
)
def test_an_address_covers_itself_and_what_is_below(
    audience: str, host: str, path: str, good: bool
) -> None:
    assert is_addressed((audience,), host, path, tls=False) is good


def test_one_of_several_addresses_is_enough_and_the_scheme_tells_the_port() -> None:
    assert is_addressed(("http://a.example", "https://b.example"), "b.example", "/", tls=True)
    assert not is_addressed(("http://b.example",), "b.example", "/", tls=True)


def test_a_token_for_another_address_is_refused_on_every_route(
    daemon: DaemonProcess, client: httpx2.Client, problem: Callable[..., dict[str, Any]]
) -> None:
    def token_for(name: str, audience: str) -> dict[str, str]:
        made = client.post(
            "/v1/identities",
            json={"identity_id": name, "role": "admin", "metadata": {"audience": audience}},
        )
        assert made.status_code == 200, made.text
        return {"authorization": f"Bearer {made.json()['token']}"}

    intent = {"agent_id": "a", "identity_id": "i", "workload_id": "w", "scope_id": "global"}
    elsewhere = token_for("pat:elsewhere", "https://other.example/mcp")
    here = token_for("pat:here", f"{daemon.url}/v1/intent {daemon.url}/v1/pools")

    told = problem(client.get("/v1/pools", headers=elsewhere), 401, "unauthorized")
    assert "https://other.example/mcp" in told["detail"]
    problem(client.post("/v1/intent", json=intent, headers=elsewhere), 401)
    problem(client.post("/mcp", json={}, headers=elsewhere), 401)
    assert client.get("/v1/pools", headers=here).status_code == 200
    assert client.post("/v1/intent", json=intent, headers=here).status_code == 200
    problem(client.post("/mcp", json={}, headers=here), 401)
    problem(client.get("/v1/policy", headers=here), 401)
