"""The published document says what is really answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from ratelord_core import plugins
from ratelord_core.cli.app import run
from ratelord_core.http.described import described
from ratelord_core.http.openapi import document
from ratelord_core.http.reference_page import STYLE, render
from ratelord_core.http.routes import DEBUGGING

IDS = {"agent_id": "a:1", "identity_id": "i:1", "workload_id": "scan", "scope_id": "repo:x/y"}
WHOLE = described(plugins.load().things("ratelord_register_doors"), debug=True)
DOCUMENT = document(WHOLE)


@pytest.fixture(scope="module")
def published(client) -> dict[str, Any]:
    return client.get("/openapi.json").json()


def operations(found: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in found["paths"].items():
        for method, said in methods.items():
            yield method, path, said


def test_every_route_is_published_with_a_name_of_its_own_and_a_sentence(published):
    said = [each for _, _, each in operations(published)]
    assert len(said) == len(WHOLE)
    assert len({each["operationId"] for each in said}) == len(WHOLE)
    assert not [each["operationId"] for each in said if len(each["summary"].split()) < 3]
    assert published == DOCUMENT


def test_a_daemon_without_debug_routes_does_not_publish_them(guarded):
    found = httpx2.get(f"{guarded.url}/openapi.json", timeout=60).json()
    hidden = {one.public_path for one in DEBUGGING}
    assert hidden
    assert not hidden & found["paths"].keys()


def test_the_command_line_prints_the_same_without_a_daemon(guarded, capsys):
    assert run(["openapi"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == httpx2.get(f"{guarded.url}/openapi.json", timeout=60).json()


def test_every_reference_within_the_document_leads_somewhere():
    for reference in set(re.findall(r'"#/([^"]+)"', json.dumps(DOCUMENT))):
        found: Any = DOCUMENT
        for part in reference.split("/"):
            found = found[part]


SMALL = {"name": "one", "duration": "10s", "agents": [{"name": "a"}]}
LAST = ("rotate", "quarantine", "restore", "revoke", "extend", "report")
"""What has to happen in this order, after everything else."""


def in_order(path: str) -> int:
    last = path.rpartition("/")[2]
    return LAST.index(last) if last in LAST else -1


@pytest.fixture(scope="module")
def replies(client) -> dict[tuple[str, str], httpx2.Response]:
    """The reply to each published operation's own example."""
    asked = client.post("/v1/intent", json=IDS).json()
    denied = client.post("/v1/intent", json=IDS | {"workload_id": "supervised"}).json()
    client.post("/v1/identities", json={"identity_id": "bot:turning"})
    node = client.get("/v1/graph").json()["nodes"][0]["id"]
    names = {"provider_id": "mock", "pool_id": "default", "identity_id": "bot:turning"}
    for noun, body in (("backtest", {"document": "{}"}), ("simulation", {"scenario": SMALL})):
        where = f"/v1/policy/{noun}" if noun == "backtest" else f"/v1/{noun}"
        names[f"{noun}_id"] = client.post(where, json=body).json()[f"{noun}_id"]
    queries = {
        "/v1/graph/path": {"from": node, "to": node},
        "/v1/forecasts/fit": {"pool": "mock/default"},
    }
    found = {}
    for method, path, said in sorted(operations(DOCUMENT), key=lambda one: in_order(one[1])):
        intent = denied if path.endswith("/override") else asked
        details: dict[str, Any] = {"params": queries.get(path, {})}
        if "requestBody" in said:
            details["json"] = said["requestBody"]["content"]["application/json"]["example"]
        real = path.format(**names, intent_id=intent["intent_id"])
        found[method, path] = client.request(method, real, **details)
    return found


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p, _ in operations(DOCUMENT)])
def test_the_documented_example_is_answered_as_documented(replies, method, path):
    answer = replies[method, path]
    assert answer.is_success, answer.text
    assert "x-ratelord-warning" not in answer.headers
    said = DOCUMENT["paths"][path][method]["responses"][str(answer.status_code)]
    if answer.status_code == 204:
        assert not answer.content
        assert "content" not in said
        return
    kind = answer.headers["content-type"].partition(";")[0]
    kinds = {name.partition(";")[0]: content for name, content in said["content"].items()}
    assert kind in kinds
    if kind == "application/json":
        schema = kinds[kind]["schema"] | {"components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(answer.json())


@pytest.mark.parametrize(
    ("method", "path", "details"),
    [
        ("GET", "/v1/pools/mock/nowhere", {}),
        ("POST", "/v1/intent", {"json": {}}),
        ("POST", "/v1/policy/check", {"json": {"document": "policies: 3"}}),
        ("GET", "/nowhere", {}),
        ("PUT", "/v1/pools", {}),
    ],
)
def test_a_problem_is_what_the_document_says_a_problem_is(client, method, path, details):
    answer = client.request(method, path, **details)
    assert answer.headers["content-type"] == "application/problem+json"
    schema = {"$ref": "#/components/schemas/Problem", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(answer.json())


def test_documented_bodies_hold_no_field_that_is_ignored(client):
    every = dict.fromkeys(DOCUMENT["components"]["schemas"]["IntentRequest"]["properties"])
    answer = client.post("/v1/intent", json=every | IDS)
    assert answer.status_code == 200
    assert "x-ratelord-warning" not in answer.headers


def test_the_reference_page_has_every_operation_and_loads_nothing(client):
    answer = client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = answer.text
    for _, path, said in operations(DOCUMENT):
        assert f'id="{said["operationId"]}"' in page
        assert path in page
    links = re.findall(r"(?:src|href|action)=['\"]?([^'\" >]+)", page)
    assert {link for link in links if not link.startswith("#")} == {"/openapi.json"}
    assert not re.search(r"<script|<link|<img|@import|url\(| on\w+=", page)
    assert {link[1:] for link in links if link.startswith("#")} <= set(
        re.findall(r'id="([^"]+)"', page)
    )


def test_the_reference_page_is_the_document_that_is_served(client):
    style = STYLE.read_text(encoding="utf-8")
    assert client.get("/docs").text == render(client.get("/openapi.json").json(), style)


def test_the_reference_page_is_let_do_nothing_but_wear_its_style(client):
    rules = client.get("/docs").headers["content-security-policy"]
    assert rules.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in rules


def test_a_parameter_that_is_read_but_not_declared_is_a_defect_that_shows(client):
    from ratelord_core.http.exchange import Exchange
    from ratelord_core.http.query import Query

    exchange = Exchange({"query_string": b""}, lambda: None, {}, "r")
    exchange.declared = frozenset({"limit"})
    with pytest.raises(LookupError, match="pool"):
        Query(exchange).text("pool")
