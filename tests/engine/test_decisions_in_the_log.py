"""A decision and its event are two forms of one thing; the log holds enough, and no more."""

import json
from typing import Any

import pytest

from ratelord_core.engine.answering import decision_of, read_back, seen, written
from ratelord_core.events.codec import open_record
from ratelord_core.events.payloads import ConfigLoaded, IntentDecided, IntentReported, PolicyUpdated
from ratelord_core.events.record import Record
from ratelord_core.model.decision import TraceStep
from ratelord_core.model.instant import HOUR, SECOND
from ratelord_core.policy.document import from_canonical
from ratelord_core.policy.trace import asked, told
from ratelord_core.testing.table import Table

JOBS = "pools: [{id: github-main/core, limit: 5000, window: {kind: fixed, every: 1h}}]\n"
NAMES = {"agent_id": "crawler-01", "identity_id": "pat:rmax", "scope_id": "repo:acme/api"}
RULES = (
    JOBS
    + """
agents: {crawler-01: {role: ci, labels: {team: "~1.5", note: "~"}}}
policies:
  - id: house
    scope: global
    rules:
      - {name: endless, condition: "tte.p50 < 5.0 || margin.seconds < -9.5", action: deny}
      - {name: labelled, condition: "agent.labels['team'] == '~1.5'", action: warn, params: {message: labelled}}
      - {name: half, condition: "pool.utilization > 0.0001", action: shape, params: {wait_seconds: 0.5}}
  - id: gentle
    scope: agent:crawler-01
    type: soft
    rules: [{name: never, condition: "remaining > 1", action: deny}]
"""
)


def stored_bytes(record: Record) -> int:
    """What the columns of a record take: the time is 8 bytes."""
    columns = (record.event_id, record.correlation_id, record.body, record.salt, record.chain)
    return sum(map(len, columns)) + len(record.event_type) + 8


@pytest.mark.parametrize(
    "fields",
    [{}, {"idempotency_key": "k"}, {"expected_cost": 12.5, "urgency": "high"}, {"max_wait": 0}],
    ids=["plain", "with a key", "with a cost", "may not wait"],
)
def test_both_events_of_a_plain_decision_take_at_most_500_bytes(fields: dict[str, Any]) -> None:
    table = Table(JOBS)
    for _ in range(20):
        table.ask("repo_scan", **NAMES)
        table.pass_time(1)
    table.ask("repo_scan", **NAMES, **fields)
    records = table.records("intent_submitted", "intent_decided")[-2:]
    assert [record.event_type for record in records] == ["intent_submitted", "intent_decided"]
    assert sum(map(stored_bytes, records)) <= 500


def test_what_holds_and_risk_tell_is_not_written_down_again() -> None:
    table = Table(
        JOBS
        + """
policies:
  - id: house
    scope: global
    rules: [{name: dry, condition: "remaining < 1 || risk.p_exhaustion > 2.0 || pool.limit < 1", action: deny}]
"""
    )
    table.ask("work", **NAMES, expected_cost=3)
    approved = open_record(table.records("intent_decided")[-1]).payload
    table.ask("work", **NAMES, expected_cost=4999, max_wait=0)
    denied = open_record(table.records("intent_decided")[-1]).payload
    assert isinstance(approved, IntentDecided)
    assert isinstance(denied, IntentDecided)
    assert approved.saw == {"pool.limit": 5000}
    assert seen(approved) == {"pool.limit": 5000, "remaining": 5000, "risk.p_exhaustion": 0}
    assert denied.saw["remaining"] == 4997, "no hold tells it"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"expected_cost": 4999.5},
        {"expected_cost": 5001},
        {"max_wait": 0},
        {"urgency": "background"},
        {"agent_id": "other"},
    ],
    ids=str,
)
def test_the_log_gives_the_answer_that_was_given_and_its_whole_trace(
    fields: dict[str, Any],
) -> None:
    table = Table(RULES)
    table.report(table.ask("work", **NAMES, expected_cost=3).intent_id)
    live = table.ask("work", **(NAMES | fields), debug=True)
    assert live.trace
    event = open_record(table.records("intent_decided")[-1])
    decided = event.payload
    assert isinstance(decided, IntentDecided)
    (policy,) = table.events(PolicyUpdated)
    again = decision_of(event.intent_id, event.ts_event, decided, policy.version)
    saw = seen(decided) | asked(event.dimensions, str(fields.get("urgency", "normal")))
    trace = told(from_canonical(policy.document), decided.looked, decided.held, saw)
    assert trace == live.trace
    assert (again.reason, again.modifications, again.holds) == (
        live.reason,
        live.modifications,
        live.holds,
    )
    assert (again.start_at, again.valid_until, again.risk) == (
        live.start_at,
        live.valid_until,
        live.risk,
    )
    assert (again.warnings, again.decided_by, again.retry_after) == (
        live.warnings,
        live.decided_by,
        live.retry_after,
    )


def test_the_trace_shows_no_label_that_was_not_looked_at() -> None:
    condition = "\"intent.urgency == 'high' && agent.labels.team == 'a'\""
    table = Table(
        "agents: {a: {labels: {team: b}}}\n"
        "pools: [{id: local/jobs, limit: 10, window: {kind: fixed, every: 60s}}]\n"
        "policies: [{id: p, scope: global, rules: ["
        f"{{name: team-a, condition: {condition}, action: deny}}]}}]"
    )
    seen = {}
    for urgency in ("normal", "background", "high"):
        (step,) = table.ask(urgency=urgency, debug=True).trace
        seen[urgency] = step.inputs
    assert seen["normal"] == {"intent.urgency": "normal"}
    assert seen["background"] == {"intent.urgency": "background"}
    assert seen["high"] == {"intent.urgency": "high", "agent.labels": {"team": "b"}}


def test_the_trace_shows_every_rule_also_those_that_did_not_hold_and_infinite_values() -> None:
    table = Table(RULES)
    decision = table.ask("work", **NAMES, debug=True)
    steps: dict[str, TraceStep] = {step.rule: step for step in decision.trace}
    assert list(steps) == ["endless", "labelled", "half", "never"]
    assert not steps["endless"].result
    assert steps["endless"].inputs["tte.p50"] is None
    assert steps["labelled"].result
    assert steps["labelled"].inputs["agent.labels"] == {"team": "~1.5", "note": "~"}
    assert steps["never"].level == "identity/agent"


@pytest.mark.parametrize(
    "value", [0.1, -2.5e-7, 1e300, "~", "~~x", "~1.5", "plain", 7, None, True, {"a": {"b": 0.5}}]
)
def test_what_a_rule_saw_survives_the_log_which_holds_no_fractions(value: object) -> None:
    stored = json.dumps(written({"name": value}))
    json.loads(stored, parse_float=pytest.fail)
    assert read_back(json.loads(stored)) == {"name": value}


def test_a_configuration_is_logged_whole_and_the_same_for_the_same_meaning() -> None:
    table = Table(RULES)
    table.configure(RULES.replace("scope: global", "scope:  global") + "# the same\n")
    first, second = table.events(ConfigLoaded)
    assert (first.topology, first.settings, first.pools) == (
        second.topology,
        second.settings,
        second.pools,
    )
    assert json.loads(first.topology)["agents"]["crawler-01"]["role"] == "ci"
    assert first.settings == "{}"


def test_the_headers_of_a_report_stay_out_of_the_log() -> None:
    table = Table(JOBS)
    decision = table.ask()
    table.report(decision.intent_id, headers={"x-secret": "hush-hush"})
    assert not any(b"hush" in record.body for record in table.records())


def test_a_report_teaches_the_estimate_only_what_it_told() -> None:
    other = ", {id: local/other, limit: 90, window: {kind: unbounded}}]"
    table = Table(
        JOBS.replace("]", other)
        + "workloads: {scan: {consumes: {github-main/core: 5, local/other: 3}}}\n"
    )
    decision = table.ask("scan")
    table.report(decision.intent_id, costs={"github-main/core": 2})
    (reported,) = table.events(IntentReported)
    assert reported.assumed == ("local/other",)
    again = {line.pool: line.units for line in table.ask("scan").holds}
    assert again == {"github-main/core": 2, "local/other": 3}
    assert table.engine.state.costs.estimate("scan", "local/other") is None


def test_an_actual_cost_is_multiplied_as_the_expected_one_was_on_an_identitys_own_pool() -> None:
    table = Table("providers: {mock: [{id: m}]}\nworkloads: {scan: {consumes: {m/core: 10}}}\n")
    table.engine.observer.members = {"m": ("pat:own",)}
    table.observe("m/pat:own/core", limit=5000, used=0, reset_at=table.now + HOUR)
    decision = table.ask("scan", identity_id="pat:own", expected_cost=2)
    assert [(line.pool, line.units) for line in decision.holds] == [("m/pat:own/core", 20)]
    table.report(decision.intent_id, actual_cost=3)
    assert table.figures("m/pat:own/core").used == 30


def test_extending_never_shortens_and_tells_the_real_end() -> None:
    table = Table(JOBS)
    decision = table.ask(duration=100 * SECOND)
    assert table.extend(decision.intent_id, 10) == table.now + 100 * SECOND
    assert table.extend(decision.intent_id, 200) == table.now + 200 * SECOND
    table.pass_time(150)
    assert table.figures("github-main/core").held == 1
