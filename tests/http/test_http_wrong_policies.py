"""Every kind of wrong policy file: named with its place and what was expected, a 422 and exit code
1, and nothing changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ratelord_core.cli.verbs.policy import check
from ratelord_core.testing.daemon_process import DaemonProcess

RULE = "policies: [{id: p, rules: [{name: r, action: deny, condition: %s}]}]"
POOLS = "pools: [{id: a/b, limit: 5, unit: calls, window: %s}]"
BOMB = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
BOMB += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
LOOPS = "'[1,2].all(a, [1,2].all(b, [1,2].all(c, a + b + c > 0)))'"

WRONG: dict[str, tuple[str | bytes, str, str]] = {
    "syntax": ("a: [1\nb: 2", "not valid YAML", ""),
    "syntax of JSON": ('{"policies": [}', "not valid YAML", ""),
    "a tab": ("a:\n\t- b\n", "not valid YAML", "spaces"),
    "two documents": ("units: {}\n---\nunits: {}", "not valid YAML", ""),
    "a list": ("- a", "must be a mapping", ""),
    "not UTF-8": (b"units: {}\nx: \xff", "byte 0xff is not UTF-8", "UTF-8"),
    "a control character": ("a: 'x\x07'", "control character", ""),
    "a tag": ("a: !!python/name:os.system x", "tag", ""),
    "a type": ("policies: [{id: p, limit: many}]", "must be a whole number", ""),
    "a list for text": ("policies: [{id: p, rules: 7}]", "must be a list", "- "),
    "a fraction": ("pools: [{id: a/b, limit: 1.5, window: concurrency}]", "whole number", ""),
    "a missing key": ("policies: [{id: p, rules: [{name: r}]}]", "'action' is missing", ""),
    "an unknown section": ("polices: []", "unknown key 'polices'", "'policies'"),
    "an unknown setting": ("settings: {strict_pool: true}", "unknown key", "'strict_pools'"),
    "an unknown action": (
        "policies: [{id: p, rules: [{name: r, action: dney}]}]", "no action", "'deny'",
    ),
    "an unknown parameter": (
        "policies: [{id: p, rules: [{name: r, action: deny, params: {reson: x}}]}]",
        "no parameter 'reson'",
        "'reason'",
    ),
    "an unknown variable": (RULE % "remianing < 3", "unknown name", "'remaining'"),
    "an unknown function": (
        RULE % "\"betwen(time.now, '1:00', '2:00', 'UTC')\"", "unknown name", "'between'",
    ),
    "an unknown plugin": ("providers: {mokc: []}", "no provider plugin", "'mock'"),
    "an unknown provider": (
        "providers: {mock: [{id: mock-1}]}\nworkloads: {w: {consumes: {mock-2/x: 1}}}",
        "belongs to no provider",
        "'mock-1'",
    ),
    "an unknown model": ("settings: {forecast_model: liner}", "no forecast model", "'linear'"),
    "an unknown zone": (
        POOLS % "{kind: calendar, every: day, timezone: Europe/Madird}", "not a time zone",
        "'Europe/Madrid'",
    ),
    "a circle of scopes": ("scopes: {a: b, b: c, c: a}", "its own ancestor", "global"),
    "a policy twice": ("policies: [{id: p}, {id: p}]", "stands twice", ""),
    "a rule twice": (
        "policies: [{id: p, rules: [{name: r, action: deny}, {name: r, action: deny}]}]",
        "stands twice",
        "",
    ),
    "a pool twice": (
        f"{POOLS % 'concurrency'}\n".replace("]", ", {id: a/b}]"), "stands twice", "",
    ),
    "a key twice": ("units: {}\nunits: {}", "stands twice", ""),
    "an absurd duration": ("settings: {hold_ttl: 99999999w}", "length of time", "100 years"),
    "a negative duration": ("settings: {hold_ttl: -5s}", "length of time", "30s"),
    "a duration of nothing": (POOLS % "{kind: sliding, every: 0s}", "longer than 0", ""),
    "a duration beyond numbers": (POOLS % "{kind: sliding, every: 1e400}", "length of time", ""),
    "a file of ten megabytes": (b"#" * 10_000_000, "at most 4194304 are read", "policy"),
    "a bomb of aliases": ("\n".join(BOMB), "aliases repeat this", ""),
    "an alias of itself": ("a: &a [*a]", "contains itself", ""),
    "deep nesting": ("a: " + "[" * 100_000, "nested deeper", ""),
    "a condition that is a number": (RULE % "remaining", "not true or false", "compare"),
    "a condition that is text": (RULE % "intent.model", "not true or false", "compare"),
    "a condition of types that do not fit": (RULE % "intent.urgency > 3", "cannot be applied", ""),
    "an assignment": (RULE % "remaining = 3", "syntax error", "=="),
    "a condition that explodes": (RULE % LOOPS, "a loop inside a loop", ""),
    "a condition without end": (
        RULE % ("'" + "remaining < 1 || " * 700 + "true'"), "at most 10000", "",
    ),
    "a condition of brackets": (RULE % ("(" * 90 + "true" + ")" * 90), "nested deeper", ""),
    "a secret": (
        "providers: {mock: [{id: a, token: hunter}]}", "looks like a secret", "token_env_var",
    ),
    "options that the plugin refuses": (
        "providers: {mock: [{id: a, pools: {x: {limit: lots}}}]}", "", "",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def written(daemon: DaemonProcess) -> Any:
    """The daemon's policy file, put back in the end."""
    before = daemon.policy.read_bytes()
    yield daemon.policy
    daemon.policy.write_bytes(before)


def state_of(client: httpx2.Client) -> tuple[Any, ...]:
    pools = [
        (one["pool_id"], one["limit"], one["used"], one["held"])
        for one in client.get("/v1/pools").json()["items"]
    ]
    updated = client.get("/v1/events", params={"type": "policy_updated"}).json()
    return client.get("/v1/policy").json(), pools, len(updated)


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_file_is_refused_at_every_door_and_changes_nothing(
    client: httpx2.Client,
    written: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    content, message, hint = WRONG[kind]
    raw = content.encode() if isinstance(content, str) else content
    before = state_of(client)

    written.write_bytes(raw)
    refused = client.post("/v1/policy/reload")
    assert refused.status_code == 422
    errors = refused.json()["errors"]
    assert all(one["line"] >= 1 and one["column"] >= 1 for one in errors), errors
    assert any(message in one["message"] and hint in one["hint"] for one in errors), errors
    assert state_of(client) == before
    assert client.get("/v1/health").json()["policy_error"]

    copy = tmp_path / "policy.yaml"
    copy.write_bytes(raw)
    assert check(copy) == 1
    said = capsys.readouterr().out
    assert re.match(rf"{re.escape(str(copy))}:\d+:\d+: ", said.replace("\n", ""))
    assert "Traceback" not in said

    headers = {"content-type": "application/yaml"}
    asked = client.post("/v1/policy/check", content=raw, headers=headers)
    assert asked.status_code == (413 if len(raw) > 2_000_000 else 422), asked.text


def test_a_body_that_is_no_text_is_told_with_its_place(client: httpx2.Client) -> None:
    yaml = {"content-type": "application/yaml"}

    answer = client.post("/v1/policy/check", content=b"units: {}\nx: \xff", headers=yaml)

    assert answer.status_code == 422
    (found,) = answer.json()["errors"]
    assert (found["line"], found["column"]) == (2, 4)
    assert found["message"].startswith("byte 0xff is not UTF-8")
