"""Every kind of bad input: the documented problem, nothing held, nothing logged, daemon alive."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

Problem = Callable[..., dict[str, Any]]
IDS = {"agent_id": "a:1", "identity_id": "i:1", "workload_id": "scan", "scope_id": "repo:x/y"}
DEEP = b"[" * 20_000 + b"]" * 20_000


def body(**changes: Any) -> bytes:
    return json.dumps(IDS | changes).encode()


def raw(field: str, value: bytes) -> bytes:
    return body()[:-1] + b', "%s": %s}' % (field.encode(), value)


MALFORMED = {
    "empty": b"",
    "cut off": body()[:-1],
    "trailing bytes": body() + b"}",
    "single quotes": b"{'agent_id': 'a'}",
    "a NUL byte": body().replace(b"a:1", b"a\x001"),
    "not UTF-8": body().replace(b"a:1", b"a\xff1"),
    "not UTF-8 where nobody looks": raw("unknown", b'"\xff"'),
    "UTF-16": json.dumps(IDS).encode("utf-16"),
    "a lone surrogate": raw("model", rb'"\ud800"'),
    "NaN": raw("expected_cost", b"NaN"),
    "Infinity": raw("expected_cost", b"-Infinity"),
}
NESTED = {
    "where it is read": raw("client_context", b'{"a":' + DEEP + b"}"),
    "where nobody looks": raw("unknown", DEEP),
}
INVALID = {
    "an array": b"[]",
    "a number": b"3",
    "null": b"null",
    "no ids": b"{}",
    "an escaped NUL": raw("client_context", b'{"a": "\\u0000"}'),
    "a number for an id": body(agent_id=3),
    "null for an id": body(scope_id=None),
    "an empty id": body(workload_id=""),
    "an id with a space": body(identity_id="a b"),
    "an id with a line end": body(identity_id="a\n"),
    "an id that is too long": body(agent_id="x" * 257),
    "an urgency that is none": body(urgency="yesterday"),
    "a negative amount": body(expected_cost=-1),
    "a tiny negative amount": body(expected_cost=-1e-300),
    "an amount beyond 2^53-1": body(expected_cost=2**53),
    "1e400": raw("expected_cost", b"1e400"),
    "a text for an amount": body(expected_cost="3"),
    "a boolean for an amount": body(expected_cost=True),
    "a negative cost": body(costs={"mock/default": -1}),
    "a cost of 1e400": raw("costs", b'{"mock/default": 1e400}'),
    "a cost of no pool": body(costs={"default": 1}),
    "costs as an array": body(costs=[1]),
    "a negative wait": body(max_wait_seconds=-1),
    "an endless wait": raw("max_wait_seconds", b"1e300"),
    "a text for a duration": body(duration_hint="1h"),
    "a number for a boolean": body(dry_run=1),
    "context that is no object": body(client_context="x"),
    "an empty key": body(idempotency_key=""),
    "a long key": body(idempotency_key="k" * 257),
    "a renewal of nothing": body(renews="last one"),
    "a provider with a slash": body(provider_id="a/b", pool_id="c"),
    "an unknown pin": body(provider_id="nobody", pool_id="nothing"),
    "an unknown pool of a known provider": body(provider_id="mock", pool_id="nothing"),
}


@pytest.fixture
def unharmed(client: httpx2.Client):
    """The daemon is, after the test, what it was before: nothing held, nothing logged, alive."""

    def state() -> tuple[Any, ...]:
        pools = client.get("/v1/pools").json()["items"]
        kinds = "intent_submitted,intent_decided,intent_reported,usage_observed"
        newest = client.get("/v1/events", params={"type": kinds, "limit": 1}).json()
        return [(pool["held"], pool["used"]) for pool in pools], [event["seq"] for event in newest]

    before = state()
    yield
    assert state() == before
    assert client.get("/v1/health/ready").status_code == 200


def send(client: httpx2.Client, content: bytes, path: str = "/v1/intent") -> httpx2.Response:
    return client.post(path, content=content, headers={"content-type": "application/json"})


@pytest.mark.parametrize("what", NESTED)
def test_what_is_nested_without_end_is_a_problem_or_read_but_never_harms(
    client, problem: Problem, what
):
    answer = send(client, NESTED[what])
    if sys.version_info >= (3, 14) and answer.status_code == 200:  # it counts the stack, not calls
        intent = f"/v1/intents/{answer.json()['intent_id']}"
        assert client.get(intent).status_code == 200
        freed = client.post(f"{intent}/report", json={"outcome": "cancelled"})
        assert freed.status_code == 200
    else:
        problem(answer, 400, "malformed_json")
    assert client.get("/v1/health/ready").status_code == 200


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_not_json_is_a_problem(client, problem: Problem, what):
    problem(send(client, MALFORMED[what]), 400, "malformed_json")


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("what", INVALID)
def test_what_makes_no_sense_is_a_problem(client, problem: Problem, what):
    problem(send(client, INVALID[what]), 400)


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("what", [name for name in INVALID if name not in {"an array"}])
def test_it_is_one_inside_a_batch_too(client, problem: Problem, what):
    batch = b'{"intents": [' + body() + b"," + INVALID[what] + b"]}"
    problem(send(client, batch, "/v1/intents/batch"), 400)


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("size", [65_537, 2_000_000])
def test_a_huge_body_is_a_problem(client, problem: Problem, size):
    problem(send(client, raw("client_context", b'"%s"' % (b"x" * size))), 413, "body_too_large")


@pytest.mark.usefixtures("unharmed")
def test_a_huge_batch_is_a_problem(client, problem: Problem):
    batch = b'{"intents": ["%s"]}' % (b"x" * 4_200_000)
    problem(send(client, batch, "/v1/intents/batch"), 413, "body_too_large")


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_another_content_type_is_a_problem(client, problem: Problem, kind):
    answer = client.post("/v1/intent", content=body(), headers={"content-type": kind})
    problem(answer, 415, "unsupported_media_type")


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/v1/observations", b"{}"),
        ("/v1/observations", b'{"provider_id": "mock"}'),
        ("/v1/observations", b'{"provider_id": "mock", "used": 1}'),
        ("/v1/observations", b'{"provider_id": "mock", "pool_id": "small", "used": -1}'),
        ("/v1/observations", b'{"provider_id": "mock", "pool_id": "small", "remaining": 0.5}'),
        ("/v1/observations", b'{"provider_id": "mock", "pool_id": "small", "limit": 1e400}'),
        ("/v1/observations", b'{"provider_id": "mock", "pool_id": "small", "reset_at": "soon"}'),
        ("/v1/observations", b'{"provider_id": "mock", "headers": ["a"]}'),
        ("/v1/observations", DEEP),
        ("/v1/identities", b'{"identity_id": 3}'),
        ("/v1/policy/check", b"{"),
        ("/v1/policy/check", b"\xff"),
    ],
)
def test_other_bodies_are_checked_as_strictly(client, problem: Problem, path, content):
    problem(send(client, content, path), 400)


@pytest.mark.usefixtures("unharmed")
def test_a_malformed_report_settles_nothing(client, problem: Problem):
    unknown = "/v1/intents/0194f5a0-0000-7000-8000-000000000000/report"
    for content in (b'{"actual_cost": -1}', b'{"outcome": "great"}', b"[]", b'{"costs": {"x": 1}}'):
        problem(send(client, content, unknown), 400)


@pytest.mark.usefixtures("unharmed")
def test_yaml_that_explodes_is_refused_and_not_expanded(client, problem: Problem):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    answer = client.post(
        "/v1/policy/check", content="\n".join(lines), headers={"content-type": "application/yaml"}
    )
    problem(answer, 422, "policy_invalid")
