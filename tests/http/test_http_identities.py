"""The lives of identities, over a real socket, and where their tokens show: once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

Problem = Callable[..., dict[str, Any]]
IDS = {"agent_id": "a:1", "workload_id": "scan", "scope_id": "repo:x/y"}


def register(client: httpx2.Client, identity_id: str, **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/identities", json={"identity_id": identity_id, **fields})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def listed(client: httpx2.Client, identity_id: str) -> dict[str, Any]:
    (found,) = [
        one for one in client.get("/v1/identities").json() if one["identity_id"] == identity_id
    ]
    return dict(found)


def turn(client: httpx2.Client, identity_id: str, change: str, **fields: Any) -> httpx2.Response:
    path = f"/v1/identities/{identity_id.replace('/', '%2F')}/{change}"
    return client.post(path, json=fields) if fields else client.post(path)


def test_a_registration_makes_a_token_that_is_shown_once(client, daemon):
    made = register(client, "bot:once", kind="bot", owner="team-a", labels={"env": "dev"})

    assert set(made) >= {"identity_id", "status", "event_id", "token"}
    assert (made["identity_id"], made["status"]) == ("bot:once", "registered")
    token = made["token"]
    assert (
        client.get("/v1/identities", headers={"authorization": f"Bearer {token}"}).status_code
        == 403
    )
    seen = listed(client, "bot:once")
    assert (seen["kind"], seen["owner"], seen["status"]) == ("bot", "team-a", "active")
    assert seen["labels"] == {"env": "dev"}
    everything = client.get("/v1/events?limit=1000").text + client.get("/v1/identities").text
    assert token not in everything + daemon.log
    assert "token_hash" not in everything


def test_a_given_token_is_taken_and_not_repeated(client):
    made = register(client, "bot:given", token="a-token-of-my-own-choice", role="viewer")
    assert "token" not in made
    headers = {"authorization": "Bearer a-token-of-my-own-choice"}
    assert client.get("/v1/pools", headers=headers).status_code == 200


def test_an_identity_is_registered_once(client, problem: Problem):
    register(client, "bot:twice")
    problem(client.post("/v1/identities", json={"identity_id": "bot:twice"}), 409)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({}, "identity_id"),
        ({"identity_id": "not an id"}, "identity_id"),
        ({"identity_id": "sentinel:system"}, "identity_id"),
        ({"identity_id": "bot:x", "role": "king"}, "role"),
        ({"identity_id": "bot:x", "labels": {"a": 1}}, "labels"),
        ({"identity_id": "bot:x", "secret_ref": "ghp_thesecret"}, "secret_ref"),
        ({"identity_id": "bot:x", "token": "two words"}, "token"),
    ],
)
def test_a_registration_with_a_fault_is_refused_by_its_field(
    client, problem: Problem, fields, fault
):
    answer = client.post("/v1/identities", json=fields)
    found = problem(answer, 400, "invalid_request")
    assert fault in found["errors"][0]["field"]
    assert "thesecret" not in answer.text
    assert "two words" not in answer.text


def test_a_rotation_ends_the_old_token(client, problem: Problem):
    old = register(client, "bot:rotating", role="viewer")["token"]
    new = turn(client, "bot:rotating", "rotate").json()["token"]

    assert old != new
    problem(client.get("/v1/pools", headers={"authorization": f"Bearer {old}"}), 401)
    fresh = {"authorization": f"Bearer {new}"}
    assert client.get("/v1/pools", headers=fresh).status_code == 200
    given = turn(client, "bot:rotating", "rotate", token="mine-from-this-moment-on")
    assert given.status_code == 200
    assert "mine-from-this-moment-on" not in given.text


def test_a_quarantine_ends_with_a_restoration_and_a_revocation_never(client, problem: Problem):
    name = "pat:org/turning"
    register(client, name)
    ask = IDS | {"identity_id": name}
    assert client.post("/v1/intent", json=ask).json()["allowed"]

    assert turn(client, name, "quarantine", reason="leaked").status_code == 200
    assert listed(client, name)["status"] == "quarantined"
    denied = client.post("/v1/intent", json=ask).json()
    assert denied["reason_code"] == "identity_quarantined"

    assert turn(client, name, "restore").status_code == 200
    assert client.post("/v1/intent", json=ask).json()["allowed"]

    assert turn(client, name, "revoke").status_code == 200
    assert client.post("/v1/intent", json=ask).json()["reason_code"] == "identity_revoked"
    problem(turn(client, name, "restore"), 409)


def test_the_token_of_a_revoked_identity_is_wrong(client, problem: Problem):
    token = register(client, "bot:leaving", role="admin")["token"]
    turn(client, "bot:leaving", "revoke")
    problem(client.get("/v1/pools", headers={"authorization": f"Bearer {token}"}), 401)


@pytest.mark.parametrize("change", ["rotate", "revoke", "quarantine", "restore"])
@pytest.mark.parametrize("name", ["bot:nobody", "not%20an%20id"])
def test_an_identity_that_nobody_registered_is_not_found(client, problem: Problem, change, name):
    problem(client.post(f"/v1/identities/{name}/{change}"), 404)


def test_a_change_that_does_not_exist_is_not_found(client, problem: Problem):
    register(client, "bot:still")
    problem(turn(client, "bot:still", "promote"), 404)
