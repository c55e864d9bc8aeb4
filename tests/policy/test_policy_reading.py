"""A policy file in any accepted spelling becomes the same normalised document."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ratelord_core.errors import PolicyError
from ratelord_core.model.config import (
    AgentConfig,
    Document,
    PolicyConfig,
    PoolOverride,
    RuleConfig,
    TimeWindow,
)
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import HOUR, MINUTE, SECOND
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window
from ratelord_core.policy.document import canonical, from_canonical
from ratelord_core.policy.stack import compile_policy
from ratelord_core.policy.written import as_written

WHOLE = """
providers:
  github: [{id: github-main, identity: pat:rmax, token_env_var: GITHUB_TOKEN,
            enterprise_url: null, poll_interval: 30s}]
  mock:   [{id: mock-1, pools: {default: {limit: 1000, window: {kind: fixed, every: 60s}}}}]
pools:
  - {id: budget/daily, unit: microusd, limit: 50000000,
     window: {kind: calendar, every: day, timezone: Europe/Madrid}, shared_by: ["*"]}
  - {id: github-main/core, limit: 4000}
  - {id: jobs, limit: 8, window: concurrency, shared_by: ["org:acme"]}
identities: [{id: pat:rmax, kind: user, provider: github-main, owner: team-a, labels: {env: dev}}]
workloads:  {repo_scan: {consumes: {github-main/search: 1, github-main/core: 10, jobs: 1},
             degrade: [metadata_only]}}
scopes:     {repo:acme/*: org:acme, org:acme: global}
agents:     {crawler-01: {role: ci, weight: 2, labels: {}}}
pricing:    {openai-prod: {gpt-x-input: 3000, gpt-x-output: 6000}}
units:      {github-main: requests}
policies:
  - id: global-safety
    scope: global
    type: hard
    limit: null
    rules:
      - {name: red-line, condition: "risk.p_exhaustion > 0.99", action: defer, priority: 100}
      - {name: shed, condition: "risk.level == 'critical'", action: deny,
         params: {reason: "shedding load"}, overridable: true,
         time_window: {start_time: "09:00", end_time: "17:00", days: [Mon, Fri],
                       location: Europe/Madrid}}
  - {id: cap, scope: "agent:crawler-01", limit: 7}
  - {id: spend, scope: org:acme, type: soft,
     limit: {amount: 9, unit: microusd, window: {kind: sliding, every: 1h30m}}}
settings: {strict_identities: true, hold_ttl: 90}
retention: {enabled: true, default_ttl: 720h, by_type: {forecast_computed: 24h}, check_interval: 1h}
"""


@pytest.fixture(scope="module")
def whole(load_policy: Callable[..., Any]) -> Document:
    document: Document = load_policy(WHOLE).document
    return document


def test_an_empty_file_is_the_default_document(load_policy: Callable[..., Any]) -> None:
    for text in ("", "# nothing yet\n", b"\xef\xbb\xbf", "{}", "policies:\n"):
        document = load_policy(text).document
        assert msgspec.structs.replace(document, source="", version="") == Document(source="")


def test_providers_keep_what_only_their_plugin_understands(whole: Document) -> None:
    github, mock = whole.providers
    assert (github.plugin, github.id, github.identity) == ("github", "github-main", "pat:rmax")
    assert (github.secret_ref, github.poll_interval) == ("env:GITHUB_TOKEN", 30 * SECOND)
    assert github.options == {"enterprise_url": None}
    assert mock.options == {
        "pools": {"default": {"limit": 1000, "window": {"kind": "fixed", "every": "60s"}}}
    }
    assert whole.topology.providers == {"github-main": "pat:rmax", "mock-1": None}


def test_pools_are_our_own_unless_their_provider_is_configured(whole: Document) -> None:
    day = Window("calendar", unit="day", timezone="Europe/Madrid")
    assert whole.pools[:2] == (
        Pool("budget", "daily", "microusd", 50_000_000, day, local=True, shared_by=("*",)),
        Pool("local", "jobs", "requests", 8, Window("concurrency"), True, (), ("org:acme",)),
    )
    assert whole.overrides == (PoolOverride("github-main/core", limit=4000),)


def test_a_limit_on_a_policy_is_a_pool_of_its_own(whole: Document) -> None:
    cap, spend = whole.pools[2:]
    assert (cap.key, cap.limit, cap.window) == ("policy/cap", 7, Window("fixed"))
    assert cap.shared_by == ("crawler-01", "agent:crawler-01")
    assert (spend.key, spend.unit) == ("policy/spend", "microusd")
    assert spend.window == Window("sliding", every=90 * MINUTE)
    assert spend.shared_by == ("org:acme",)


def test_who_is_who_is_read(whole: Document) -> None:
    topology = whole.topology
    assert topology.identities == (
        Identity(
            "pat:rmax", "user", provider_id="github-main", owner="team-a", labels={"env": "dev"}
        ),
    )
    consumes = {"github-main/search": 1.0, "github-main/core": 10.0, "local/jobs": 1.0}
    assert topology.workloads["repo_scan"].consumes == consumes
    assert topology.workloads["repo_scan"].degrade == ("metadata_only",)
    assert topology.scopes == {"repo:acme/*": "org:acme", "org:acme": "global"}
    assert topology.agents == {"crawler-01": AgentConfig("ci", 2.0)}


def test_rules_are_read_with_their_hours_and_places(whole: Document) -> None:
    red, shed = whole.policies[0].rules
    assert (red.name, red.action, red.priority, red.time_window) == ("red-line", "defer", 100, None)
    assert shed.time_window == TimeWindow(540, 1020, (0, 4), "Europe/Madrid")
    assert shed.params == {"reason": "shedding load"}
    assert shed.overridable
    assert WHOLE.splitlines()[red.line - 1][red.column - 1 :].startswith("{name: red-line")


def test_settings_and_retention_are_read(whole: Document) -> None:
    assert whole.settings.strict_identities
    assert whole.settings.hold_ttl == 90 * SECOND
    assert whole.retention.default_ttl == 720 * HOUR
    assert whole.retention.by_type == {"forecast_computed": 24 * HOUR}


def test_json_and_yaml_of_the_same_content_are_the_same_version(
    load_policy: Callable[..., Any],
) -> None:
    content = {"policies": [{"id": "p", "rules": [{"name": "r/1", "action": "deny"}]}]}
    compact, indented = json.dumps(content).replace("/", "\\/"), json.dumps(content, indent="\t")
    yaml = "# a comment\npolicies:\n- id: p\n  rules:\n  - {action: deny, name: r/1}\n"
    versions = {load_policy(text).version for text in (compact, indented, yaml)}
    assert len(versions) == 1
    assert len(versions.pop()) == 12


def test_older_spellings_say_the_same(load_policy: Callable[..., Any]) -> None:
    new = """
providers: {github: [{id: a, token_env_var: T}], mock: [{id: b, secret_ref: "env:K"}]}
policies: [{id: p, rules: [{name: r, action: deny, condition: "!pool.stale && remaining < 1 || true",
  time_window: {days: [Mon], location: Europe/Madrid, start_time: "10:00"}}]}]
"""
    old = """
providers: {github: [{id: a, api_key_env_var: T}], mock: [{id: b, api_key_env_var: K}]}
policies: [{id: p, rules: [{name: r, action: deny, condition: "!pool.stale && remaining < 1 || true",
  time_window: {days_of_week: [monday], timezone: Europe/Madrid, start_time: 10:00}}]}]
"""
    assert load_policy(new).version == load_policy(old).version


def test_two_spellings_of_one_key_contradict(load_policy: Callable[..., Any]) -> None:
    with pytest.raises(PolicyError, match="'timezone' and 'location' mean the same"):
        load_policy(
            "policies: [{id: p, rules: [{name: r, action: deny,"
            " time_window: {location: UTC, timezone: UTC, days: [Mon]}}]}]"
        )


@pytest.mark.parametrize(
    ("written", "micros"),
    [
        ("30s", 30 * SECOND),
        ("720h", 720 * HOUR),
        ("1h30m", 90 * MINUTE),
        ("500ms", SECOND // 2),
        ("1.5s", 3 * SECOND // 2),
        ("90", 90 * SECOND),
        ("0.25", SECOND // 4),
        ("0.0000001", 1),
        ("2d", 48 * HOUR),
    ],
)
def test_lengths_of_time_are_read_as_microseconds(
    load_policy: Callable[..., Any], written: str, micros: int
) -> None:
    for quoted in (written, f"'{written}'"):
        document = load_policy(f"settings: {{hold_ttl: {quoted}}}").document
        assert document.settings.hold_ttl == micros


@pytest.mark.parametrize(
    ("written", "window"),
    [
        ("concurrency", Window("concurrency")),
        ("{kind: unbounded}", Window("unbounded")),
        ("{kind: bucket, every: 60, burst: 9}", Window("bucket", every=MINUTE, burst=9)),
        ("{kind: fixed, every: 1h}", Window("fixed", every=HOUR)),
        (
            "{kind: fixed, reset_at: 1970-01-01T00:00:01Z}",
            Window("fixed", anchor=SECOND),
        ),
        ("{kind: calendar, every: week}", Window("calendar", unit="week")),
        ("{kind: calendar, every: month, location: UTC}", Window("calendar", unit="month")),
    ],
)
def test_windows_of_every_kind_are_read(
    load_policy: Callable[..., Any], written: str, window: Window
) -> None:
    document = load_policy(f"pools: [{{id: a/b, limit: 5, window: {written}}}]").document
    assert document.pools[0].window == window


def test_a_pool_without_a_limit_only_counts(load_policy: Callable[..., Any]) -> None:
    (pool,) = load_policy("units: {a: tokens}\npools: [{id: a/b}]").document.pools
    assert (pool.limit, pool.window, pool.unit) == (None, Window("unbounded"), "tokens")


def test_a_logged_rule_that_can_no_longer_be_compiled_is_named(
    actions: dict[str, Any],
) -> None:
    rules = (
        RuleConfig("gone", "vanish"),
        RuleConfig("typo", "deny", "remianing < 3"),
        RuleConfig("changed", "deny", params={"because": "x"}),
        RuleConfig("nowhere", "deny", time_window=TimeWindow(timezone="Mars/Base")),
        RuleConfig("fine", "deny"),
    )
    with pytest.raises(PolicyError) as caught:
        compile_policy(Document(policies=(PolicyConfig("p", rules=rules),)), actions)
    assert [finding.message.split(":")[0] for finding in caught.value.findings] == [
        f"policy 'p' rule '{name}'" for name in ("gone", "typo", "changed", "nowhere")
    ]


def test_repeated_parts_may_be_shared_by_anchors_and_merges(
    load_policy: Callable[..., Any],
) -> None:
    document = load_policy("""
policies:
  - id: p
    rules:
      - &first {name: a, action: deny, priority: 5, params: {reason: no}}
      - {<<: *first, name: b, priority: 6}
""").document
    first, second = document.policies[0].rules
    assert (second.name, second.priority, second.params) == ("b", 6, first.params)


def test_a_logged_document_can_be_read_back(
    whole: Document, actions: dict[str, Any], load_policy: Callable[..., Any]
) -> None:
    text = canonical(whole)
    back = from_canonical(text)
    assert canonical(back) == text
    assert back.version == whole.version
    assert back.topology == whole.topology
    assert back.pools == whole.pools
    with pytest.raises(PolicyError, match="not a logged policy document"):
        from_canonical("[]")


def test_readers_see_the_content_as_a_policy_file(whole: Document) -> None:
    shown = as_written(whole)
    assert json.loads(json.dumps(shown)) == shown
    assert shown["policies"][0]["id"] == "global-safety"


def test_the_version_does_not_depend_on_where_the_file_lies(
    load_policy: Callable[..., Any], actions: dict[str, Any], whole: Document
) -> None:
    moved = load_policy("# moved down by a line\n" + WHOLE)
    assert moved.version == whole.version
    assert load_policy(WHOLE.replace("limit: 7", "limit: 8")).version != whole.version
