"""Reading and administering through the blocking client."""

from __future__ import annotations

import socket

import pytest

from ratelord import Client, DaemonUnreachable, RequestRefused, UpstreamError


@pytest.mark.parametrize(
    ("read", "target"),
    [
        (lambda c: c.health(), "/v1/health"),
        (lambda c: c.pool("mock/a/b c"), "/v1/pools/mock/a%2Fb%20c"),
        (lambda c: c.pool("../.."), "/v1/pools/%2E%2E/%2E%2E"),
        (lambda c: c.explain("0193"), "/v1/intents/0193"),
        (lambda c: c.graph(), "/v1/graph?format=json"),
        (lambda c: c.graph(around="org:a"), "/v1/graph?format=json&around=org%3Aa"),
        (lambda c: c.policy(), "/v1/policy"),
        (lambda c: c.reload_policy(), "/v1/policy/reload"),
    ],
)
def test_a_reader_asks_for_one_thing(daemon, answer, read, target):
    daemon.answers(answer(body={"some": "thing"}))
    with Client(daemon.url) as client:
        assert read(client) == {"some": "thing"}
    assert daemon.asked[0].target == target


@pytest.mark.parametrize(
    ("read", "target"),
    [
        (lambda c: c.pools(), "/v1/pools"),
        (lambda c: c.forecasts("mock/default"), "/v1/forecasts?pool=mock%2Fdefault"),
        (lambda c: c.forecasts("m/d", by="agent"), "/v1/forecasts?pool=m%2Fd&by=agent"),
        (lambda c: c.forecasts(agent_id="a"), "/v1/forecasts?agent_id=a"),
        (lambda c: c.usage(agent_id="a"), "/v1/usage?agent_id=a"),
        (lambda c: c.events(limit=3, since="2026-01-01T00:00:00Z"), None),
        (lambda c: c.identities(), "/v1/identities"),
        (lambda c: c.plugins(), "/v1/plugins"),
    ],
)
@pytest.mark.parametrize("shape", [lambda rows: rows, lambda rows: {"items": rows, "next": None}])
def test_a_reader_of_rows_takes_an_array_or_a_page(daemon, answer, read, target, shape):
    daemon.answers(answer(body=shape([{"a": 1}])))
    with Client(daemon.url) as client:
        assert read(client) == [{"a": 1}]
    if target is not None:
        assert daemon.asked[0].target == target
    else:
        assert daemon.asked[0].target.startswith("/v1/events?limit=3&from=2026-01-01T")


def test_rows_that_are_none_are_an_error(daemon, answer):
    daemon.answers(answer(body={"weather": "fine"}))
    with Client(daemon.url) as client, pytest.raises(UpstreamError):
        client.pools()


def test_the_graph_comes_as_text_too(daemon, answer):
    daemon.answers(answer(body=b"graph LR", headers={"content-type": "text/plain"}))
    with Client(daemon.url) as client:
        assert client.graph_text("mermaid") == "graph LR"


def test_an_identity_id_is_one_segment_of_the_path(daemon, answer):
    daemon.answers(answer(body={"identity_id": "pat:a/b", "status": "revoked"}))
    with Client(daemon.url) as client:
        assert client.revoke_identity("pat:a/b", reason="left").status == "revoked"
    assert daemon.asked[0].target == "/v1/identities/pat%3Aa%2Fb/revoke"
    assert daemon.asked[0].body == {"reason": "left"}


@pytest.mark.parametrize("verb", ["rotate", "quarantine", "restore"])
def test_identities_change(daemon, answer, verb):
    daemon.answers(answer(body={"identity_id": "pat:a", "status": "active"}))
    with Client(daemon.url) as client:
        getattr(client, f"{verb}_identity")("pat:a")
    assert daemon.asked[0].target == f"/v1/identities/pat%3Aa/{verb}"


def test_registering_is_not_repeated_when_the_answer_got_lost(daemon, answer):
    body = {"identity_id": "pat:a", "status": "registered", "token": "t"}
    daemon.answers(answer(body=body, hang_up=True))
    with Client(daemon.url) as client, pytest.raises(DaemonUnreachable):
        client.register_identity("pat:a", "user", owner="team")
    assert len(daemon.asked) == 1
    assert daemon.asked[0].body == {"identity_id": "pat:a", "kind": "user", "owner": "team"}


def test_a_hold_is_extended(daemon, answer):
    daemon.answers(answer(body={"intent_id": "i", "expires_at": "2026-01-01T00:00:00.000000Z"}))
    with Client(daemon.url) as client:
        assert client.extend("i", 30).expires_at.startswith("2026")
    assert daemon.asked[0].body == {"seconds": 30}


def test_events_stream(daemon, answer):
    text = b'id: 4\nevent: x\ndata: {"seq": 4}\n\n: heartbeat\n\nid: 5\ndata: {"seq": 5}\n\n'
    daemon.answers(answer(body=text, headers={"content-type": "text/event-stream"}))
    with Client(daemon.url, sleep=lambda _: None) as client:
        stream = client.stream(type="x")
        assert [next(stream)["seq"], next(stream)["seq"]] == [4, 5]
        stream.close()
    assert daemon.asked[0].headers["accept"] == "text/event-stream"


def test_a_stream_that_may_not_be_read_says_so(daemon, answer):
    daemon.answers(answer(status=403, body={"code": "forbidden", "detail": "not for agents"}))
    with Client(daemon.url) as client, pytest.raises(RequestRefused, match="not for agents"):
        next(client.stream())


def test_a_stream_without_a_daemon_says_so_at_once():
    with socket.socket() as held:  # bound, so that nobody else listens there
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        with Client(url) as client, pytest.raises(DaemonUnreachable):
            next(client.stream())


def test_an_unknown_filter_is_an_error(daemon):
    with Client(daemon.url) as client, pytest.raises(TypeError, match="workload_id"):
        client.events(workload="x")


def test_what_was_seen_in_passing_is_told_without_secrets(daemon, answer):
    daemon.answers(answer(body={"accepted": 1, "pools": ["mock/default"]}))
    with Client(daemon.url) as client:
        seen = {"X-RateLimit-Remaining": "3", "Set-Cookie": "me"}
        assert client.observe("mock", headers=seen, pool_id=None).pools == ("mock/default",)
    assert daemon.asked[0].body == {
        "provider_id": "mock",
        "headers": {"X-RateLimit-Remaining": "3"},
    }


def test_a_path_through_the_graph_comes_in_words(daemon, answer):
    daemon.answers(answer(body={"from_id": "a", "to_id": "b", "text": "a uses b"}))
    with Client(daemon.url) as client:
        assert client.explain_path("a:1", "b/2") == "a uses b"
    assert daemon.asked[0].target == "/v1/graph/path?from=a%3A1&to=b%2F2"


def test_a_wrong_policy_is_refused_with_its_findings(daemon, answer):
    errors = [{"field": "pools", "message": "no", "line": 3, "column": 1, "hint": ""}]
    daemon.answers(answer(status=422, body={"code": "policy_invalid", "errors": errors}))
    with Client(daemon.url) as client, pytest.raises(RequestRefused) as refused:
        client.check_policy("pools: 1")
    assert refused.value.problem["errors"][0]["line"] == 3
    assert daemon.asked[0].body == {"document": "pools: 1"}


def test_a_simulated_provider_is_told_what_to_report(daemon, answer):
    daemon.answers(answer(body={}))
    with Client(daemon.url) as client:
        client.inject("mock", "default", usage=7)
    assert daemon.asked[0].body == {"provider_id": "mock", "pool_id": "default", "usage": 7}
