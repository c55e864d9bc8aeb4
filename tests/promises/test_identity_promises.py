"""Identities and the providers that charge them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
Until = Callable[..., Any]


@pytest.mark.promise("D-06")
def test_a_registered_identity_is_listed_and_its_token_shown_once(
    start: Start, tmp_path: Path
) -> None:
    desk = start()

    made = desk.post(
        "/v1/identities", {"identity_id": "pat:new", "kind": "user", "role": "agent"}
    ).json()
    added = desk.command(
        "identity",
        "add",
        "pat:other",
        "user",
        RATELORD_NEW_TOKEN="a-token-of-my-own-choice-0123456789",
    )

    assert made["status"] == "registered"
    assert added.returncode == 0, added.stderr
    registered = {
        e["payload"]["identity"]["identity_id"] for e in desk.events("identity_registered")
    }
    assert {"pat:new", "pat:other"} <= registered
    listed = desk.command("identity", "list", "--json").stdout
    assert {"pat:new", "pat:other"} <= {i["identity_id"] for i in desk.get("/v1/identities")}
    assert "pat:new" in listed
    assert "pat:other" in listed
    shown = listed + added.stdout + added.stderr + desk.daemon.log + str(desk.events())
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    for token in (made["token"], "a-token-of-my-own-choice-0123456789"):
        assert token not in shown
        assert token.encode() not in kept


@pytest.mark.promise("D-07")
def test_registering_an_identity_polls_its_provider_soon(start: Start, until: Until) -> None:
    desk = start()
    polls = len(until(lambda: desk.events("provider_poll_observed")))

    made = desk.post(
        "/v1/identities", {"identity_id": "pat:new", "kind": "user", "provider_id": "mock"}
    )

    assert made.is_success, made.text
    seen = until(lambda: desk.events("provider_poll_observed")[polls:])
    assert seen[0]["payload"]["observations"], "the values are in the log"


@pytest.mark.promise("D-08")
def test_polls_continue_and_name_their_plugin(start: Start, until: Until) -> None:
    desk = start(
        """
        providers:
          mock:
            - {id: mock, poll_interval: 500ms, pools: {default: {limit: 100, window: {kind: fixed, every: 1h}}}}
        """
    )

    polls = until(lambda: [*desk.events("provider_poll_observed")[3:]])

    assert {event["payload"]["plugin"] for event in polls} == {"mock"}
    assert all(event["payload"]["plugin_version"] for event in polls)
