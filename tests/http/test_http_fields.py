"""What replies say in their headers: rate limits, traces, and who may read them."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from ratelord_core.errors import SettingsError
from ratelord_core.http.cors import Cors
from ratelord_core.http.rate_fields import as_headers, rate_lines
from ratelord_core.model.decision import Decision, HoldLine
from ratelord_core.model.instant import SECOND
from ratelord_core.testing.daemon_process import DaemonProcess

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
IDS = {"agent_id": "a:1", "identity_id": "i:1", "workload_id": "scan", "scope_id": "repo:x/y"}
PAGE = "https://dashboard.example:8443"


def asked(client: httpx2.Client, *, express: bool = True, **fields: Any) -> httpx2.Response:
    kind = "application/json" if express else "application/json; charset=utf-8"
    headers = {"content-type": kind, **fields.pop("headers", {})}
    return client.post("/v1/intent", json=IDS | fields, headers=headers)


@pytest.mark.parametrize("express", [True, False])
def test_a_decision_tells_of_its_pools_as_rate_limited_http_does(client, express):
    answer = asked(client, express=express)
    hold = answer.json()["holds"][0]
    assert answer.headers["ratelimit-policy"] == '"mock/default";q=1000000;w=3600'
    said = re.fullmatch(r'"mock/default";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    assert said is not None
    assert int(said[1]) == hold["remaining"]
    assert 0 <= int(said[2]) <= 3600
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("express", [True, False])
def test_a_denial_that_time_heals_says_when(client, express):
    answer = asked(client, express=express, workload_id="little", expected_cost=11)
    decision = answer.json()
    assert decision["allowed"] is False
    told = decision["retry_after_seconds"]
    assert answer.headers.get("retry-after") == (None if told is None else str(told))
    later = asked(client, express=express, costs={"mock/default": 999_999_999}, max_wait_seconds=0)
    assert later.json()["allowed"] is False


def test_the_lines_of_a_decision_are_well_formed():
    pools = {"a/one": (10, 3600 * SECOND), "b/two": (5, None), "c/free": (None, None)}
    holds = tuple(HoldLine(pool, 1, 7, SECOND * 61 - 1, SECOND) for pool in pools)
    decision = Decision("i", "approve", "ok", "", SECOND, holds=holds)
    lines = rate_lines(decision, pools.__getitem__)
    assert dict(as_headers(lines)) == {
        b"ratelimit-policy": b'"a/one";q=10;w=3600, "b/two";q=5',
        b"ratelimit": b'"a/one";r=7;t=60, "b/two";r=7;t=60',
    }
    denied = Decision("i", "deny_with_reason", "ok", "", SECOND, retry_after=SECOND * 2 + 1)
    assert rate_lines(denied, pools.__getitem__) == b"retry-after: 3\r\n"
    assert rate_lines(Decision("i", "approve", "ok", "", 0), pools.__getitem__) == b""


@pytest.mark.parametrize("express", [True, False])
def test_a_traced_caller_is_told_which_span_answered(client, express):
    seen = set()
    for _ in range(3):
        answer = asked(client, express=express, headers={"traceparent": PARENT})
        assert answer.headers["x-request-id"] == TRACE
        said = re.fullmatch(rf"00-{TRACE}-([0-9a-f]{{16}})-01", answer.headers["traceresponse"])
        assert said is not None
        assert said[1] not in ("0" * 16, "00f067aa0ba902b7")
        seen.add(said[1])
    assert len(seen) == 3


def test_problems_and_pages_carry_the_trace_too(client):
    for path in ("/nowhere", "/v1/pools"):
        answer = client.get(path, headers={"traceparent": PARENT})
        assert answer.headers["traceresponse"].startswith(f"00-{TRACE}-")
    for parent in ("nonsense", PARENT.replace(TRACE, "0" * 32), ""):
        answer = client.get("/v1/pools", headers={"traceparent": parent})
        assert "traceresponse" not in answer.headers


def test_no_page_of_another_origin_may_read_unless_settings_say_so(client, problem):
    answer = client.get("/v1/pools", headers={"origin": PAGE})
    problem(answer, 403, "foreign_origin")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    ours = client.get("/v1/pools", headers={"origin": "http://localhost:8090"})
    assert ours.status_code == 200
    assert not [name for name in ours.headers if name.startswith("access-control")]


@pytest.fixture(scope="module")
def open_to_a_page(tmp_path_factory):
    environment = {"RATELORD_CORS_ORIGINS": f'["{PAGE}"]', "RATELORD_AUTH": "required"}
    with (
        DaemonProcess(tmp_path_factory.mktemp("page"), environment=environment) as running,
        httpx2.Client(base_url=running.url, timeout=60) as connected,
    ):
        yield connected


def test_a_page_that_may_asks_first_and_then_reads_what_it_may(open_to_a_page, problem):
    asks = {"origin": PAGE, "access-control-request-method": "POST"}
    first = open_to_a_page.options("/v1/intent", headers=asks)
    assert first.status_code == 204
    assert first.headers["access-control-allow-origin"] == PAGE
    assert "POST" in first.headers["access-control-allow-methods"]
    assert "authorization" in first.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in first.headers
    for path, status in (("/v1/health/live", 200), ("/v1/pools", 401)):
        answer = open_to_a_page.get(path, headers={"origin": PAGE})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "origin" in answer.headers["vary"]
    other = {"origin": "https://evil.example", "access-control-request-method": "GET"}
    problem(open_to_a_page.options("/v1/pools", headers=other), 403, "foreign_origin")


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "dashboard.example", "https://example.com/path", "ftp://example.com", ""],
)
def test_what_is_no_origin_is_refused_at_the_start(origin):
    with pytest.raises(SettingsError, match="cors_origins") as refused:
        Cors([origin])
    assert "\n" not in str(refused.value)
