"""Secrets are planted wherever one can come in; none is found wherever something comes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

POLICY = """
providers:
  mock: [{id: mock, token_env_var: MOCK_TOKEN, pools: {default: {limit: 1000, window: {kind: fixed, every: 1h}}}}]
"""

CANARIES = {
    name: f"canary-{name}-5f0e9c27ab-0123456789abcdef"
    for name in (
        "admin",
        "given",
        "wrong",
        "provider",
        "reference",
        "rotated",
        "context",
        "key",
        "header-key",
        "cookie",
        "set-cookie",
        "authorization",
        "api-key",
        "query",
        "url",
        "body",
    )
}

DOORS = (
    "/v1/events?limit=500",
    "/v1/pools",
    "/v1/identities",
    "/v1/graph",
    "/v1/usage",
    "/v1/policy",
    "/v1/plugins",
    "/v1/health",
    "/metrics",
)

OPENMETRICS = {"accept": "application/openmetrics-text"}


def test_no_planted_secret_is_found_anywhere(
    start: Callable[..., Any], command: Callable[..., Any], tmp_path: Path
) -> None:
    seen = CANARIES
    environment = {
        "RATELORD_LOG_LEVEL": "debug",
        "MOCK_TOKEN": seen["provider"],
        "OTHER_TOKEN": seen["reference"],
    }
    desk = start(POLICY, environment=environment)
    url = desk.daemon.url
    outside = {"RATELORD_URL": url, "RATELORD_NEW_TOKEN": seen["given"]}
    shown = [
        command(
            "identity",
            "add",
            "pat:one",
            "--secret-ref",
            "env:OTHER_TOKEN",
            "--provider",
            "mock",
            **outside,
        ),
        command(
            "identity",
            "add",
            "pat:admin",
            "--role",
            "admin",
            **outside | {"RATELORD_NEW_TOKEN": seen["admin"]},
        ),
    ]
    assert [done.returncode for done in shown] == [0, 0], shown[0].stderr + shown[1].stderr
    made = desk.post("/v1/identities", {"identity_id": "pat:made", "kind": "bot"}).json()["token"]

    _plant(desk, seen)
    assert desk.post("/v1/identities/pat:one/rotate", {"token": seen["rotated"]}).is_success
    turned = desk.post("/v1/identities/pat:made/rotate", {"overlap_seconds": 600}).json()["token"]
    for good in (made, turned):
        bearer = {"authorization": f"Bearer {good}"}
        assert httpx2.get(f"{url}/v1/health", headers=bearer, timeout=60).is_success
    for path in ("/v1/pools", "/nowhere"):
        httpx2.get(
            f"{url}{path}?token={seen['query']}", headers={"cookie": seen["cookie"]}, timeout=60
        )
    desk.daemon.policy.write_text(
        f"providers: {{github: [{{id: gh, enterprise_url: 'https://me:{seen['url']}@example.com'}}]}}"
    )
    assert desk.post("/v1/policy/reload").status_code == 422

    operator = outside | environment | {"RATELORD_TOKEN": seen["admin"]}
    assert desk.post("/v1/admin/snapshot").is_success
    shown += [desk.post("/v1/admin/verify").text]
    shown += [httpx2.get(url + path, timeout=60).text for path in DOORS]
    shown += [httpx2.get(f"{url}/metrics", headers=OPENMETRICS, timeout=60).text]
    shown += [command(*words.split(), **operator) for words in ("config show", "events", "doctor")]
    files = {path.name: path.read_bytes() for path in tmp_path.glob("ratelord.db*")}
    desk.daemon.kill()
    files["standard output and error"] = desk.daemon.log.encode()
    for number, said in enumerate(shown):
        text = said if isinstance(said, str) else said.stdout + said.stderr
        files[f"answer {number}"] = text.encode()

    assert {"ratelord.db", "ratelord.db-wal", "ratelord.db.snapshot"} <= files.keys()
    found = [
        (name, place)
        for name, secret in {**seen, "made": made, "turned": turned}.items()
        for place, content in files.items()
        if secret.encode() in content
    ]
    assert found == []


def _plant(desk: Any, seen: dict[str, str]) -> None:
    """Ask, observe and report with secrets at every place where somebody may put one."""
    token = {"authorization": f"Bearer {seen['admin']}", "x-api-key": seen["api-key"]}
    wrong = {"authorization": f"Bearer {seen['wrong']}"}
    question = {
        "agent_id": "agent:one",
        "identity_id": "pat:one",
        "workload_id": "scan",
        "scope_id": "repo:acme/api",
        "client_context": {"token": seen["context"]},
    }
    assert desk.post("/v1/intent", question, headers=wrong).status_code == 401
    keyed = question | {"idempotency_key": seen["key"]}
    decision = desk.post("/v1/intent", keyed, headers=token).json()
    assert decision["allowed"]
    assert desk.post("/v1/intent", keyed | {"model": "other"}, headers=token).status_code == 409
    by_header = token | {"idempotency-key": seen["header-key"]}
    assert desk.post("/v1/intent", question, headers=by_header).is_success
    headers = {
        "Set-Cookie": f"session={seen['set-cookie']}",
        "Authorization": f"Bearer {seen['authorization']}",
        "X-Api-Key": seen["api-key"],
        "X-Unheard-Of": seen["context"],
        "X-RateLimit-Limit": "1000",
        "X-RateLimit-Remaining": "900",
    }
    told = {"outcome": "success", "headers": headers, "idempotency_key": seen["key"]}
    path = f"/v1/intents/{decision['intent_id']}/report"
    assert desk.post(path, told, headers=token).is_success
    assert desk.post(
        "/v1/observations", {"provider_id": "mock", "headers": headers}, headers=token
    ).is_success
    torn = f'{{"agent_id": "{seen["body"]}'.encode()
    refused = httpx2.post(
        desk.daemon.url + "/v1/intent",
        content=torn,
        headers={"content-type": "application/json"},
        timeout=60,
    )
    assert refused.status_code == 400
