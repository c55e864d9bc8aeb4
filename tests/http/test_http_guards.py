"""Who gets in: names, origins, tokens, roles."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

Problem = Callable[..., dict[str, Any]]
IDS = {"agent_id": "a:1", "identity_id": "id:agent", "workload_id": "scan", "scope_id": "repo:x/y"}
PATHS = ["/", "/v1/health/live", "/v1/pools", "/metrics", "/nowhere", "/v1/events?stream=true"]


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_host_is_refused_on_every_path(client, problem: Problem, path):
    problem(client.get(path, headers={"host": "evil.example"}), 403, "foreign_host")


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_origin_is_refused_on_every_path(client, problem: Problem, path):
    problem(client.get(path, headers={"origin": "https://evil.example"}), 403, "foreign_origin")


def test_a_foreign_page_cannot_ask(client, problem: Problem):
    before = client.get("/v1/health").json()["seq"]
    rebound = client.post("/v1/intent", json=IDS, headers={"host": "evil.example:8090"})
    problem(rebound, 403, "foreign_host")
    simple = {"origin": "null", "content-type": "text/plain"}
    problem(client.post("/v1/intent", content="{}", headers=simple), 403, "foreign_origin")
    asked = {"after": before, "type": "intent_submitted"}
    assert client.get("/v1/events", params=asked).json() == []


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1", "[::1]:8090"])
def test_names_of_this_machine_are_let_in(client, host):
    headers = {"host": host, "origin": f"http://{host}"}
    assert client.get("/v1/health", headers=headers).status_code == 200


@pytest.mark.parametrize("header", ["Host", "Content-Type", "Authorization", "Content-Length"])
def test_a_header_that_two_readers_could_read_differently_is_refused(daemon, header):
    sent = {"Host": "localhost", "Content-Type": "application/json", "Connection": "close"}
    lines = [f"{name}: {value}" for name, value in sent.items()] + [f"{header}: 2"] * 2
    reply = sent_raw(daemon, "\r\n".join(["POST /v1/intent HTTP/1.1", *lines, "", "{}"]))
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in reply


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://evil.example/v1/health", b"403"),
        ("http://localhost:1@evil.example/v1/health", b"403"),
        ("http://localhost:8090/v1/health", b"200"),
    ],
)
def test_a_target_with_a_name_of_its_own_overrules_the_host(daemon, target, status):
    lines = [f"GET {target} HTTP/1.1", "Host: localhost", "Connection: close", "", ""]
    assert sent_raw(daemon, "\r\n".join(lines)).startswith(b"HTTP/1.1 " + status)


def sent_raw(daemon: Any, request: str) -> bytes:
    address = urlsplit(daemon.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(request.encode())
        return connection.makefile("rb").read()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_without_a_token_the_local_operator_is_speaking(client):
    assert client.get("/v1/identities").status_code == 200


@pytest.mark.parametrize(
    "value",
    ["Bearer wrong", "Bearer", "Basic eDp5", "wrong", "Bearer " + "x" * 600, "Bearer é"],
)
@pytest.mark.parametrize("path", ["/", "/v1/health/live", "/v1/pools"])
def test_a_wrong_token_is_refused_even_where_none_is_needed(client, problem: Problem, value, path):
    answer = client.get(path, headers={"authorization": value.encode("latin-1")})
    problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith('Bearer realm="ratelord"')
    assert "wrong" not in answer.text


def test_where_tokens_are_required_only_life_signs_are_open(guarded, problem: Problem):
    with httpx2.Client(base_url=guarded.url, timeout=60) as stranger:
        for path in ("/", "/v1/health/live", "/v1/health/ready"):
            assert stranger.get(path).status_code == 200
        for path in ("/v1/health", "/v1/pools", "/v1/events", "/metrics", "/v1/identities"):
            problem(stranger.get(path), 401, "unauthorized")
        problem(stranger.post("/v1/intent", json=IDS), 401)
        problem(stranger.get("/nowhere"), 404)


def test_the_owner_of_the_socket_needs_no_token(operator):
    assert operator.get("/v1/identities").status_code == 200


MAY = {
    "agent": {"ask", "health"},
    "viewer": {"look", "health"},
    "admin": {"ask", "look", "administer", "health"},
}
REQUESTS: dict[str, list[tuple[str, str, Any]]] = {
    "ask": [
        ("POST", "/v1/intent", IDS),
        ("POST", "/v1/intents/batch", {"intents": [IDS]}),
        ("POST", "/v1/observations", {"provider_id": "mock", "pool_id": "small", "used": 1}),
    ],
    "look": [
        ("GET", "/v1/pools", None),
        ("GET", "/v1/pools/mock/default", None),
        ("GET", "/v1/events", None),
        ("GET", "/v1/identities", None),
        ("GET", "/v1/graph", None),
        ("GET", "/v1/policy", None),
        ("GET", "/v1/plugins", None),
        ("GET", "/v1/forecasts", None),
        ("GET", "/v1/usage", None),
        ("GET", "/metrics", None),
        ("POST", "/v1/policy/check", {}),
    ],
    "administer": [
        ("POST", "/v1/policy/reload", None),
        ("POST", "/v1/identities/id:nobody/revoke", {}),
        ("POST", "/v1/identities/id:nobody/rotate", {}),
    ],
    "health": [("GET", "/v1/health", None)],
}


@pytest.mark.parametrize("role", MAY)
@pytest.mark.parametrize("need", REQUESTS)
def test_a_role_may_do_what_it_is_for_and_no_more(guarded, tokens, problem: Problem, role, need):
    with httpx2.Client(base_url=guarded.url, headers=bearer(tokens[role]), timeout=60) as caller:
        for method, path, body in REQUESTS[need]:
            answer = caller.request(method, path, json=body)
            if need in MAY[role]:
                assert answer.status_code in (200, 404), f"{method} {path}: {answer.text}"
            else:
                problem(answer, 403, "forbidden")


def test_an_agent_asks_as_its_own_identity_only(guarded, tokens, problem: Problem):
    other = IDS | {"identity_id": "id:other"}
    with httpx2.Client(base_url=guarded.url, headers=bearer(tokens["agent"]), timeout=60) as agent:
        problem(agent.post("/v1/intent", json=other), 403, "forbidden")
        problem(agent.post("/v1/intents/batch", json={"intents": [IDS, other]}), 403)
        seen = {"provider_id": "mock", "pool_id": "small", "used": 1, "identity_id": "id:other"}
        problem(agent.post("/v1/observations", json=seen), 403)
    with httpx2.Client(base_url=guarded.url, headers=bearer(tokens["admin"]), timeout=60) as admin:
        assert admin.post("/v1/intent", json=other).status_code == 200


def test_an_agent_sees_and_settles_its_own_intents_only(guarded, operator, tokens):
    own = operator.post("/v1/intent", json=IDS).json()["intent_id"]
    other = operator.post("/v1/intent", json=IDS | {"identity_id": "id:other"}).json()["intent_id"]
    with httpx2.Client(base_url=guarded.url, headers=bearer(tokens["agent"]), timeout=60) as agent:
        assert agent.get(f"/v1/intents/{own}").status_code == 200
        assert agent.get(f"/v1/intents/{other}").status_code in (403, 404)
        assert agent.post(f"/v1/intents/{other}/report", json={}).status_code in (403, 404)
        assert agent.post(f"/v1/intents/{other}/extend", json={"seconds": 9}).status_code in (
            403,
            404,
        )
        assert agent.post(f"/v1/intents/{own}/report", json={}).status_code == 200
        own_again = agent.post(f"/v1/intents/{own}/report", json={})
        assert own_again.json()["duplicate"] is True


def test_who_was_not_let_in_is_written_down(guarded):
    secret = "a-guess-that-is-not-to-be-found-anywhere"
    headers = {"authorization": f"Bearer {secret}", "x-request-id": "refused-once"}
    assert httpx2.get(f"{guarded.url}/v1/pools", headers=headers, timeout=60).status_code == 401
    [line] = [line for line in guarded.log.splitlines() if "refused-once" in line]
    assert "warning" in line
    assert "127.0.0.1" in line
    assert "unauthorized" in line
    assert secret not in guarded.log
