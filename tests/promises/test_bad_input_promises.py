"""Bad input and bad circumstances: told clearly, and harmless."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

Start = Callable[..., Any]

GOOD = '{"agent_id": "a", "identity_id": "i", "workload_id": "w", "scope_id": "s"}'
BAD = {
    "not JSON": (b"{", 400),
    "not an object": (b"[1]", 400),
    "an id is missing": (b'{"agent_id": "a"}', 400),
    "an id is a number": (GOOD.replace('"a"', "7").encode(), 400),
    "an id has a blank": (GOOD.replace('"a"', '"a b"').encode(), 400),
    "a NUL in an id": (GOOD.replace('"a"', '"a\\u0000"').encode(), 400),
    "not UTF-8": (GOOD.replace('"a"', '"\u00ff"').encode("latin-1"), 400),
    "a negative cost": (GOOD.replace("}", ', "expected_cost": -1}').encode(), 400),
    "a cost that is no number": (GOOD.replace("}", ', "expected_cost": NaN}').encode(), 400),
    "an infinite cost": (GOOD.replace("}", ', "expected_cost": 1e400}').encode(), 400),
    "an unknown pin": (
        GOOD.replace("}", ', "provider_id": "nowhere", "pool_id": "x"}').encode(),
        400,
    ),
    "too deep": (b'{"client_context": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
    "too large": (GOOD.replace("}", ', "model": "' + "m" * 70_000 + '"}').encode(), 413),
}


@pytest.mark.promise("F-06")
def test_bad_input_is_a_problem_and_changes_nothing(start: Start) -> None:
    desk = start()
    before = desk.get("/v1/health")["seq"]

    for what, (body, status) in BAD.items():
        answer = httpx2.post(
            f"{desk.daemon.url}/v1/intent",
            content=body,
            headers={"content-type": "application/json"},
            timeout=60,
        )
        assert answer.status_code == status, f"{what}: {answer.status_code} {answer.text}"
        assert answer.headers["content-type"].startswith("application/problem+json"), what
        assert answer.json()["code"], what
        assert answer.json()["request_id"], what

    assert desk.pool()["held"] == 0
    written = {event["event_type"] for event in desk.events() if event["seq"] > before}
    assert not [kind for kind in written if kind.startswith(("intent_", "identity_", "policy_"))]
    assert desk.ask()["allowed"]


@pytest.mark.promise("F-07")
@pytest.mark.parametrize(
    "trouble", ["taken port", "second daemon", "corrupt database", "bad policy", "no such plugin"]
)
def test_what_prevents_a_start_is_told_in_one_line(
    start: Start, command: Callable[..., Any], trouble: str, tmp_path: Path
) -> None:
    database = tmp_path / "other.db"
    words = ["up", "--port", "0", "--db", str(database)]
    with socket.socket() as taken:
        if trouble == "taken port":
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            words[2] = named = str(taken.getsockname()[1])
        elif trouble == "second daemon":
            words[4] = named = str(start().daemon.db)
        elif trouble == "corrupt database":
            database.write_bytes(b"this is no database, whatever its name says" * 200)
            named = str(database)
        elif trouble == "bad policy":
            policy = tmp_path / "bad.yaml"
            policy.write_text(
                "policies: [{id: x, rules: [{name: r, condition: 'remainning < 1', action: deny}]}]"
            )
            words += ["--policy", str(policy)]
            named = "remainning"
        else:
            words += ["--without", "nobody"]
            named = "nobody"

        done = command(*words)

    said = [line for line in done.stderr.splitlines() if line.startswith("ratelord:")]
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert len(said) == 1, done.stderr
    assert named in said[0]
