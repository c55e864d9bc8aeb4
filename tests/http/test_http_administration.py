"""Who ran the daemon can be read in its log; tokens change without a gap."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def acts(client: httpx2.Client, **narrowed: Any) -> list[dict[str, Any]]:
    """What was done, oldest first, as readers are shown it."""
    query = {"type": "administrative_act", "order": "asc", "limit": 1000, **narrowed}
    return client.get("/v1/events", params=query).json()


def test_every_administrative_act_is_written_down_with_who_did_it(guarded, operator, tokens):
    before = operator.get("/v1/health").json()["seq"]
    admin = bearer(tokens["admin"]) | {"x-request-id": "by-the-admin"}
    with httpx2.Client(base_url=guarded.url, headers=admin, timeout=60) as client:
        one = "/v1/identities/bot:watched"
        assert client.post("/v1/identities", json={"identity_id": "bot:watched"}).is_success
        for turn in ("rotate", "quarantine", "restore", "revoke"):
            assert client.post(f"{one}/{turn}").is_success
        assert client.post("/v1/policy/reload").is_success
        assert client.post(f"{one}/restore").status_code == 409
    found = acts(operator, after=before)
    told = [(act["payload"]["action"], act["payload"].get("outcome", "done")) for act in found]
    assert told == [
        ("identity.register", "done"),
        ("identity.rotate", "done"),
        ("identity.quarantine", "done"),
        ("identity.restore", "done"),
        ("identity.revoke", "done"),
        ("policy.reload", "done"),
        ("identity.restore", "identity_state"),
    ]
    assert {act["payload"]["actor"] for act in found} == {"id:admin"}
    assert {act["payload"]["request_id"] for act in found} == {"by-the-admin"}
    assert {act["payload"].get("target", "") for act in found} == {"bot:watched", ""}
    assert {act["source"]["origin_kind"] for act in found} == {"http"}


def test_the_local_operator_has_no_name_but_a_door(operator):
    before = operator.get("/v1/health").json()["seq"]
    operator.post("/v1/policy/reload")
    (act,) = acts(operator, after=before)
    assert "actor" not in act["payload"]
    assert act["source"]["origin_kind"] == "http"


def test_who_may_not_administer_leaves_no_act_behind(guarded, operator, tokens):
    before = operator.get("/v1/health").json()["seq"]
    with httpx2.Client(
        base_url=guarded.url, headers=bearer(tokens["viewer"]), timeout=60
    ) as viewer:
        assert viewer.post("/v1/policy/reload").status_code == 403
    assert acts(operator, after=before) == []


def test_an_old_token_stays_good_for_the_overlap_and_no_longer(guarded, operator):
    old = operator.post("/v1/identities", json={"identity_id": "bot:overlap", "role": "viewer"})
    path = "/v1/identities/bot:overlap/rotate"
    new = operator.post(path, json={"overlap_seconds": 300}).json()
    assert new["old_token_until"] > operator.get("/v1/events?limit=1").json()[0]["ts_ingest"]
    newest = operator.post(path, json={"overlap_seconds": 0.4}).json()
    with httpx2.Client(base_url=guarded.url, timeout=60) as client:
        found = {
            name: client.get("/v1/pools", headers=bearer(token)).status_code
            for name, token in (
                ("old", old.json()["token"]),
                ("new", new["token"]),
                ("newest", newest["token"]),
            )
        }
        assert found["old"] == 401, "only one token before the present one may be good"
        assert found["newest"] == 200
        while client.get("/v1/pools", headers=bearer(new["token"])).status_code == 200:
            assert operator.get("/v1/health").status_code == 200
        assert client.get("/v1/pools", headers=bearer(newest["token"])).status_code == 200


def test_without_an_overlap_the_old_token_ends_with_the_reply(guarded, operator):
    old = operator.post("/v1/identities", json={"identity_id": "bot:at-once", "role": "viewer"})
    reply = operator.post("/v1/identities/bot:at-once/rotate").json()
    assert "old_token_until" not in reply
    with httpx2.Client(base_url=guarded.url, timeout=60) as client:
        assert client.get("/v1/pools", headers=bearer(old.json()["token"])).status_code == 401


def test_a_revoked_identity_has_no_good_token_at_all(guarded, operator):
    old = operator.post("/v1/identities", json={"identity_id": "bot:ended", "role": "viewer"})
    operator.post("/v1/identities/bot:ended/rotate", json={"overlap_seconds": 300})
    operator.post("/v1/identities/bot:ended/revoke")
    with httpx2.Client(base_url=guarded.url, timeout=60) as client:
        assert client.get("/v1/pools", headers=bearer(old.json()["token"])).status_code == 401


@pytest.mark.parametrize("overlap", [-1, 1e9, "soon"])
def test_an_overlap_that_makes_no_sense_is_refused(operator, problem, overlap):
    operator.post("/v1/identities", json={"identity_id": "bot:odd"})
    answer = operator.post("/v1/identities/bot:odd/rotate", json={"overlap_seconds": overlap})
    found = problem(answer, 400, "invalid_request")
    assert [error["field"] for error in found["errors"]] == ["overlap_seconds"]


def test_neither_an_old_nor_a_new_hash_is_ever_shown(operator):
    operator.post("/v1/identities", json={"identity_id": "bot:hashed"})
    operator.post("/v1/identities/bot:hashed/rotate", json={"overlap_seconds": 60})
    shown = operator.get("/v1/events?limit=1000").text + operator.get("/v1/identities").text
    assert "bot:hashed" in shown
    assert "token_hash" not in shown
