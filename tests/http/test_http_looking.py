"""Everything that can be looked at, over a real socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

Ask = Callable[..., dict[str, Any]]
Problem = Callable[..., dict[str, Any]]
SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
LOOKS = [
    "/",
    "/v1/health",
    "/v1/health/live",
    "/v1/health/ready",
    "/v1/pools",
    "/v1/pools/mock/default",
    "/v1/forecasts",
    "/v1/usage",
    "/v1/events",
    "/v1/identities",
    "/v1/graph",
    "/v1/policy",
    "/v1/plugins",
    "/metrics",
]


@pytest.mark.parametrize("path", LOOKS)
def test_every_look_answers_with_its_id_and_the_security_headers(client: httpx2.Client, path):
    answer = client.get(path, headers={"x-request-id": "mine-7"})
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] == "mine-7"
    kept = {"cache-control": "no-cache"} if "etag" in answer.headers else {}
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY | kept
    assert "server" not in answer.headers
    head = client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == answer.headers["content-type"]


def test_health_says_how_the_daemon_is(client):
    health = client.get("/v1/health").json()
    assert health["status"] == "ok"
    assert health["system_status"] in ("ok", "warning", "critical")
    assert 0 <= health["risk_score"] <= 100
    assert health["role"] == "leader"
    assert health["seq"] >= 1
    assert health["uptime_seconds"] >= 0
    assert isinstance(health["db_checkpoint_lag"], int)
    assert "mock" in health["providers"]


def test_pools_are_a_page_and_each_has_its_own_path(client):
    pools = {
        (one["provider_id"], one["pool_id"]) for one in client.get("/v1/pools").json()["items"]
    }
    assert pools >= {("mock", "default"), ("mock", "small"), ("mock", "deep/er")}
    for path in ("/v1/pools/mock/deep%2Fer", "/v1/pools/mock/deep/er"):
        one = client.get(path).json()
        assert (one["pool_id"], one["limit"], one["available"]) == ("deep/er", 50, 50)


def test_pages_follow_one_another(client):
    seen: list[str] = []
    after = {}
    while True:
        page = client.get("/v1/pools", params={"limit": 1, **after}).json()
        seen += [one["pool_id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == ["deep/er", "default", "small"]


@pytest.mark.parametrize("path", ["/v1/pools/mock/none", "/v1/pools/none/x", "/v1/pools/mock/%00"])
def test_a_pool_that_nobody_knows_is_not_found(client, problem: Problem, path):
    problem(client.get(path), 404)


def test_forecasts_and_usage_can_be_narrowed(client, ask: Ask):
    ask(agent_id="agent:narrow", workload_id="nested")
    (forecast,) = client.get("/v1/forecasts?pool=mock/default").json()["items"]
    assert (forecast["provider_id"], forecast["pool_id"]) == ("mock", "default")
    rows = client.get("/v1/usage", params={"agent_id": "agent:narrow"}).json()["items"]
    assert {(row["pool_id"], row["agent_id"], row["held"]) for row in rows} == {
        ("deep/er", "agent:narrow", 1)
    }
    assert client.get("/v1/usage?scope_id=repo:nobody").json() == {"items": [], "next": None}


def test_forecasts_of_shares_are_told_by_name_and_by_size(client, ask: Ask, problem: Problem):
    for agent, units in (("agent:large", 2), ("agent:tiny", 1)):
        ask(agent_id=agent, workload_id="nested", expected_cost=units)
    (share,) = client.get("/v1/forecasts", params={"agent_id": "agent:tiny"}).json()["items"]
    assert (share["pool_id"], share["share"]["agent_id"]) == ("deep/er", "agent:tiny")
    assert 0 < share["share"]["burn_share"] < 0.5
    largest = client.get("/v1/forecasts?pool=mock/deep/er&by=agent").json()["items"]
    assert {"agent:large", "agent:tiny"} <= {one["share"]["agent_id"] for one in largest}
    problem(client.get("/v1/forecasts?by=agent"), 400, "invalid_request")
    problem(client.get("/v1/forecasts?by=planet"), 400, "invalid_request")


def test_events_are_a_bare_array_newest_first(client, ask: Ask):
    ask()
    events = client.get("/v1/events?limit=3").json()
    assert [event["seq"] for event in events] == sorted((e["seq"] for e in events), reverse=True)
    assert set(events[0]) >= {
        "event_id",
        "seq",
        "event_type",
        "schema_version",
        "ts_event",
        "ts_ingest",
        "epoch",
        "source",
        "dimensions",
        "correlation",
        "payload",
    }
    oldest = client.get("/v1/events?order=asc&limit=2").json()
    assert [event["seq"] for event in oldest] == [1, 2]
    assert client.get("/v1/events?order=asc&after=1&before=4").json()[0]["seq"] == 2


def test_events_can_be_chosen_by_type_dimension_pool_and_time(client, ask: Ask):
    ask(agent_id="agent:chosen", scope_id="repo:chosen/x", workload_id="nested")
    mine = client.get("/v1/events", params={"agent_id": "agent:chosen"}).json()
    assert {event["event_type"] for event in mine} == {"intent_submitted", "intent_decided"}
    both = client.get("/v1/events?type=intent_decided,system_started&type=config_loaded&limit=1000")
    kinds = {event["event_type"] for event in both.json()}
    assert kinds <= {"intent_decided", "system_started", "config_loaded"}
    assert "intent_decided" in kinds
    decided = [event for event in mine if event["event_type"] == "intent_decided"]
    of_pool = client.get("/v1/events?pool=mock/deep/er&type=intent_decided").json()
    assert decided[0]["seq"] in {event["seq"] for event in of_pool}
    at = decided[0]["ts_ingest"]
    since = client.get("/v1/events", params={"from": at, "agent_id": "agent:chosen"}).json()
    assert decided[0]["seq"] in {event["seq"] for event in since}
    assert client.get("/v1/events", params={"to": "2020-01-01T00:00:00Z"}).json() == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "after=-1",
        "before=1e3",
        "order=up",
        "from=monday",
        "agent_id=not%20an%20id",
        "stream=maybe",
        "stream=true&before=7",
        "stream=true&order=asc",
        "a=%ff",
    ],
)
def test_parameters_that_make_no_sense_are_refused(client, problem: Problem, query):
    problem(client.get(f"/v1/events?{query}"), 400, "invalid_request")


def test_unknown_parameters_are_ignored_with_a_warning(client):
    answer = client.get("/v1/events?limitt=3")
    assert answer.headers["x-ratelord-warning"] == "unknown parameters ignored: limitt"


def test_the_graph_comes_as_data_and_as_drawings(client, ask: Ask, problem: Problem):
    ask(agent_id="agent:drawn")
    graph = client.get("/v1/graph").json()
    assert set(graph) == {"nodes", "edges", "version"}
    assert {"id", "type", "label", "properties"} == set(graph["nodes"][0])
    assert {"from_id", "to_id", "type", "properties"} == set(graph["edges"][0])
    dot = client.get("/v1/graph?format=dot")
    assert dot.headers["content-type"].startswith("text/vnd.graphviz")
    assert "digraph" in dot.text
    assert client.get("/v1/graph?format=mermaid").text.startswith(("graph", "flowchart"))
    around = client.get("/v1/graph", params={"around": "agent:drawn"})
    if around.status_code == 200:
        assert len(around.json()["nodes"]) < len(graph["nodes"])
    problem(client.get("/v1/graph?around=nobody"), 404)
    problem(client.get("/v1/graph?format=pdf"), 400)
    problem(client.get("/v1/graph/path?from=x"), 400)
    ends = next((edge["from_id"], edge["to_id"]) for edge in graph["edges"])
    told = client.get("/v1/graph/path", params={"from": ends[0], "to": ends[1]}).json()
    assert told["text"]


def test_the_policy_is_shown_with_its_version_and_source(client, daemon):
    policy = client.get("/v1/policy").json()
    assert policy["version"]
    assert policy["source"].endswith("policy.yaml")
    assert policy["document"]["policies"][0]["id"] == "house"


GOOD = "policies: [{id: p, rules: [{name: r, condition: 'remaining < 5', action: deny}]}]"
BAD = "policies: [{id: p, rules: [{name: r, condition: 'remainning < 5', action: deny}]}]"


@pytest.mark.parametrize("kind", ["application/yaml", "text/yaml", "text/plain; charset=utf-8"])
def test_a_policy_document_is_checked_as_it_is(client, problem: Problem, kind):
    headers = {"content-type": kind}
    good = client.post("/v1/policy/check", content=GOOD, headers=headers)
    assert (good.status_code, good.json()["valid"]) == (200, True)
    bad = client.post("/v1/policy/check", content=BAD, headers=headers)
    found = problem(bad, 422, "policy_invalid")
    assert "remainning" in found["errors"][0]["message"]
    assert found["errors"][0]["line"] == 1


def test_the_detail_says_of_a_wrong_document_what_the_command_line_says(client, problem: Problem):
    text = "policies:\n  - id: p\n    rules:\n      - {name: r, action: dney}\n"
    headers = {"content-type": "application/yaml"}
    found = problem(client.post("/v1/policy/check", content=text, headers=headers), 422)
    assert found["errors"][0]["hint"]
    assert found["detail"].startswith("request:4:27: ")
    assert "'dney'" in found["detail"]
    assert f"({found['errors'][0]['hint']})" in found["detail"]


@pytest.mark.parametrize("nothing", [b"", b" \n"])
def test_an_empty_document_is_no_policy(client, problem: Problem, nothing: bytes):
    headers = {"content-type": "application/yaml"}
    answer = client.post("/v1/policy/check", content=nothing, headers=headers)
    assert problem(answer, 422, "policy_invalid")["detail"].startswith(
        "request:1:1: the document is empty"
    )
    as_json = {"content-type": "application/json"}
    problem(client.post("/v1/policy/check", content=nothing, headers=as_json), 400)


@pytest.mark.promise("Pol-12")
def test_what_is_suspicious_in_a_valid_document_is_told_with_its_place(client):
    text = GOOD.replace("remaining < 5", "remaining < 0")
    headers = {"content-type": "application/yaml"}
    found = client.post("/v1/policy/check", content=text, headers=headers).json()
    assert (found["valid"], found["errors"]) == (True, [])
    (warning,) = found["warnings"]
    assert "never holds" in warning["message"]
    assert (warning["line"], warning["severity"]) == (1, "warning")


def test_a_policy_document_is_checked_inside_json_too(client, problem: Problem):
    as_object = {"policies": [{"id": "p", "rules": []}]}
    for body in (as_object, {"document": as_object}, {"document": GOOD}):
        assert client.post("/v1/policy/check", json=body).json()["valid"] is True
    problem(client.post("/v1/policy/check", json={"document": BAD}), 422)
    problem(client.post("/v1/policy/check", json={"document": 3}), 400)
    problem(client.post("/v1/policy/check", json=[]), 400)
    xml = {"content-type": "application/xml"}
    problem(client.post("/v1/policy/check", content="<x/>", headers=xml), 415)


def test_a_reload_takes_a_good_file_and_leaves_a_bad_one(client, daemon, problem: Problem):
    before = client.get("/v1/policy").json()
    assert client.post("/v1/policy/reload").json()["changed"] is False
    text = daemon.policy.read_text()
    try:
        daemon.policy.write_text(BAD)
        problem(client.post("/v1/policy/reload"), 422, "policy_invalid")
        assert client.get("/v1/policy").json() == before
    finally:
        daemon.policy.write_text(text)
    assert client.post("/v1/policy/reload").status_code == 200


def test_plugins_are_listed_with_their_hooks(client):
    plugins = {one["name"]: one for one in client.get("/v1/plugins").json()["items"]}
    assert {"sql", "networkx", "linear", "actions", "mock", "github"} <= set(plugins)
    assert plugins["mock"]["hooks"] == ["ratelord_register_providers"]
    assert plugins["mock"]["state"] == "loaded"


def test_metrics_are_prometheus_text_with_the_doors_own_counters(client):
    client.get("/nowhere")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'ratelord_http_refusals_total{code="not_found"}' in answer.text
    assert "ratelord_http_requests_total" in answer.text


def test_a_simulated_provider_reports_what_it_is_told(client, problem: Problem):
    told = {"provider_id": "mock", "pool_id": "small", "usage": 4, "limit": 10}
    assert client.post("/debug/provider/inject", json=told).status_code == 200
    problem(client.post("/debug/provider/inject", json=told | {"provider_id": "none"}), 404)
    problem(client.post("/debug/provider/inject", json=told | {"usage": -1}), 400)
    problem(
        client.post("/debug/provider/inject", json={"provider_id": "mock", "pool_id": "x"}), 400
    )


def test_debug_routes_are_not_there_unless_asked_for(operator, problem: Problem):
    problem(operator.post("/debug/provider/inject", json={}), 404)


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/pools/", "/v2/intent", "/v1/intent/", "/%00"])
def test_what_is_not_there_is_not_found(client, problem: Problem, path):
    problem(client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/intent", "POST"),
        ("DELETE", "/v1/pools", "GET, HEAD"),
        ("PUT", "/v1/identities", "GET, HEAD, POST"),
        ("OPTIONS", "/v1/intent", "POST"),
        ("PATCH", "/", "GET, HEAD"),
    ],
)
def test_a_method_that_does_not_fit_is_told_which_would(
    client, problem: Problem, method, path, allowed
):
    answer = client.request(method, path)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed
