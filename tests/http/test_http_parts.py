"""The small parts of the door: request ids, hosts, query strings, pages, problems."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.clock import SeededEntropy
from ratelord_core.errors import (
    Conflict,
    Finding,
    Forbidden,
    InvalidRequest,
    NotFound,
    PolicyError,
    StoreError,
    Unavailable,
)
from ratelord_core.http.exchange import Exchange
from ratelord_core.http.hosts import HostGuard
from ratelord_core.http.paging import Window, read_window
from ratelord_core.http.problems import HttpRefusal, problem_reply
from ratelord_core.http.query import Query
from ratelord_core.http.request_id import RequestIds

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def nothing() -> dict[str, object]:
    return {"type": "http.disconnect"}


def exchange(query: str = "", path: str = "/v1/pools") -> Exchange:
    scope = {
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
    }
    return Exchange(scope, nothing, {}, "req-1")


def faults(query: Query) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as refused:
        query.finish()
    return {fault.field: fault.message for fault in refused.value.fields}


def test_a_well_formed_request_id_is_kept_and_a_trace_id_is_the_second_choice():
    ids = RequestIds(SeededEntropy())
    parent = f"00-{TRACE}-00f067aa0ba902b7-01".encode()
    assert ids.name({b"x-request-id": b"mine-1", b"traceparent": parent}) == "mine-1"
    assert ids.name({b"traceparent": parent}) == TRACE


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"x-request-id": b""},
        {b"x-request-id": b"with space"},
        {b"x-request-id": b"x" * 129},
        {b"x-request-id": b"\xff"},
        {b"traceparent": b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01"},
        {b"traceparent": b"ff-" + TRACE.encode() + b"-00f067aa0ba902b7-01"},
        {b"traceparent": TRACE.encode()},
    ],
)
def test_anything_else_gets_a_fresh_name(headers):
    ids = RequestIds(SeededEntropy())
    assert ids.name(headers) != ids.name(headers)
    assert ids.name(headers).startswith("req-")


KNOWN = [
    "localhost",
    "LOCALHOST:8090",
    "127.0.0.1",
    "127.0.0.1:1",
    "[::1]",
    "[::1]:8090",
    "localhost.",
]
FOREIGN = [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "10.0.0.1",
    "[::2]:80",
]
NONSENSE = [
    "localhost:x",
    "localhost:99999",
    "user@localhost",
    "localhost/",
    " ",
    "[::1",
    "localhost:-1",
]


@pytest.mark.parametrize("host", KNOWN)
def test_loopback_names_pass_with_any_port_or_none(host):
    guard = HostGuard("127.0.0.1", ())
    for _ in range(2):
        guard.check({b"host": host.encode()})
        guard.check({b"host": b"localhost", b"origin": b"http://" + host.encode()})


@pytest.mark.parametrize("host", FOREIGN + NONSENSE)
def test_foreign_hosts_and_origins_are_refused(host):
    guard = HostGuard("127.0.0.1", ())
    with pytest.raises(HttpRefusal) as refused:
        guard.check({b"host": host.encode()})
    assert (refused.value.status, refused.value.code) == (403, "foreign_host")
    with pytest.raises(HttpRefusal) as refused:
        guard.check({b"host": b"localhost", b"origin": b"https://" + host.encode()})
    assert (refused.value.status, refused.value.code) == (403, "foreign_origin")


@pytest.mark.parametrize("origin", ["null", "file://localhost", "localhost", ""])
def test_an_origin_that_is_no_web_page_of_this_machine_is_refused(origin):
    with pytest.raises(HttpRefusal):
        HostGuard("127.0.0.1", ()).check({b"host": b"localhost", b"origin": origin.encode()})


def test_the_bound_host_and_the_configured_ones_pass():
    guard = HostGuard("10.0.0.7", ("ratelord.internal", "fd00::1"))
    for host in (b"10.0.0.7:8090", b"Ratelord.Internal", b"[fd00::1]:8090"):
        guard.check({b"host": host})
    with pytest.raises(HttpRefusal):
        guard.check({b"host": b"10.0.0.8"})


def test_listening_everywhere_lets_addresses_pass_but_no_names():
    guard = HostGuard("0.0.0.0", ())
    guard.check({b"host": b"192.168.1.5:8090"})
    guard.check({b"host": b"[fd00::1]"})
    with pytest.raises(HttpRefusal):
        guard.check({b"host": b"evil.example"})


def test_a_missing_host_is_a_400():
    with pytest.raises(HttpRefusal) as refused:
        HostGuard("127.0.0.1", ()).check({})
    assert refused.value.status == 400


def test_the_guard_remembers_a_bounded_number_of_hosts():
    guard = HostGuard("127.0.0.1", ())
    for port in range(1, 1000):
        guard.check({b"host": b"localhost:%d" % port, b"origin": b"http://localhost:%d" % port})
    assert len(guard._hosts) <= 256
    assert len(guard._origins) <= 256


def test_a_query_reads_each_parameter_by_its_type():
    query = Query(
        exchange("type=a,b&type=c&limit=7&order=asc&from=2026-01-01T00:00:00%2B00:00&pool=")
    )
    assert query.texts("type") == ("a", "b", "c")
    assert query.number("limit", 50, 1, 1000) == 7
    assert query.choice("order", ("desc", "asc")) == "asc"
    assert query.instant("from") == 1_767_225_600_000_000
    assert query.text("pool") is None
    query.finish()


def test_a_plus_sign_that_was_not_encoded_is_understood():
    assert (
        Query(exchange("from=2026-01-01T02:00:00+02:00")).instant("from") == 1_767_225_600_000_000
    )


def test_a_query_tells_all_its_faults_together():
    query = Query(exchange("limit=1001&after=x&order=up&from=monday&before=-1"))
    query.number("limit", 50, 1, 1000)
    query.number("after", 0)
    query.choice("order", ("desc", "asc"))
    query.instant("from")
    query.optional_number("before")
    assert set(faults(query)) == {"limit", "after", "order", "from", "before"}


def test_parameters_that_nobody_reads_are_named_in_a_warning():
    asked = exchange("limt=3&gr%C3%B6%C3%9Fe=1")
    Query(asked).finish()
    assert asked.warning == r"unknown parameters ignored: gr\xf6\xdfe, limt"


@pytest.mark.parametrize("query", ["a=%ff", "a=%00", "&".join(["a=1"] * 101)])
def test_a_query_string_that_cannot_be_read_is_refused(query):
    with pytest.raises(InvalidRequest):
        Query(exchange(query))


@given(st.sets(st.text(max_size=5)), st.integers(1, 5))
def test_pages_give_every_item_once_and_in_order(items, limit):
    seen, after = [], ""
    while True:
        page = Window(after, limit).cut(items - {""}, str)
        seen += page.items
        if page.next is None:
            break
        after = read_window(Query(exchange(f"after={page.next}"))).after
    assert seen == sorted(items - {""})


def test_a_cursor_that_was_not_given_by_us_is_refused():
    query = Query(exchange("after=%FF%FE"[:0] + "after=_w"))
    read_window(query)
    assert "after" in faults(query)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidRequest("x"), 400, "invalid_request"),
        (InvalidRequest("x", code="unknown_pool"), 400, "unknown_pool"),
        (Forbidden("x"), 403, "forbidden"),
        (NotFound("x"), 404, "not_found"),
        (Conflict("x"), 409, "conflict"),
        (Unavailable("x", code="read_only"), 503, "read_only"),
        (Unavailable("x", code="starting"), 503, "starting"),
        (Unavailable("x", code="overloaded"), 429, "overloaded"),
        (Unavailable("x", code="not_leader"), 421, "not_leader"),
        (StoreError("x"), 503, "store"),
        (
            PolicyError("f", [Finding("no such name", 3, 7, "policies[0]", "try x")]),
            422,
            "policy_invalid",
        ),
        (HttpRefusal(413, "body_too_large", "x"), 413, "body_too_large"),
        (RuntimeError("x"), 500, "internal_error"),
    ],
)
def test_every_error_is_a_problem_with_status_code_and_request_id(error, status, code):
    reply = problem_reply(error, exchange(path="/v1/a%2Fb"))
    problem = json.loads(reply.body)
    assert (reply.status, problem["status"], problem["code"]) == (status, status, code)
    assert reply.content_type == b"application/problem+json"
    assert problem["type"] == f"urn:ratelord:problem:{code}"
    assert problem["request_id"] == "req-1"
    assert problem["instance"] == "/v1/a%2Fb"
    assert set(problem) == {
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "code",
        "request_id",
        "errors",
    }


def test_an_unforeseen_error_tells_the_client_nothing_of_itself():
    reply = problem_reply(KeyError("secret"), exchange())
    assert b"secret" not in reply.body


def test_findings_of_a_policy_keep_their_place():
    error = PolicyError(
        "policy.yaml", [Finding("no such name", 3, 7, "policies[0]", "try x"), Finding("y")]
    )
    problem = json.loads(problem_reply(error, exchange()).body)
    assert problem["errors"][0] == {
        "field": "policies[0]",
        "message": "no such name",
        "line": 3,
        "column": 7,
        "hint": "try x",
    }
    assert "\n" not in problem["detail"]


@pytest.mark.parametrize(("seconds", "header"), [(0.2, b"1"), (1.0, b"1"), (1.1, b"2")])
def test_retry_after_is_whole_seconds_rounded_up(seconds, header):
    reply = problem_reply(Unavailable("x", retry_after=seconds), exchange())
    assert (b"retry-after", header) in reply.headers
