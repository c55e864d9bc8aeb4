"""A backtest tells what a candidate would have changed, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ratelord_core import plugins
from ratelord_core.cli.app import run
from ratelord_core.engine.overrider import Denial
from ratelord_core.errors import InvalidRequest
from ratelord_core.hindsight.page import page
from ratelord_core.model.instant import to_text
from ratelord_core.model.intent import Intent
from ratelord_core.model.money import dollars

Begin = Callable[..., Any]

RULES = """\
settings: {forecast_model: linear}
policies: []
"""
CAP = """\
  - id: cap
    scope: org:acme
    limit: {amount: 300000, unit: tokens, window: {kind: fixed, every: 1m}}
"""


def _rules(*rules: str, more: str = "") -> str:
    listed = "\n      - ".join(rules)
    return f"settings: {{forecast_model: linear}}\n{more}policies:\n  - id: p\n    rules:\n      - {listed}\n"


def test_the_policy_that_was_in_force_changes_nothing(traced: Any) -> None:
    found = traced.backtest(traced.text)

    assert found["questions"] == 1500
    assert found["changed"] == 0
    assert found["before"] == found["after"]
    assert all(pool["used_before"] == pool["used_after"] for pool in found["pools"])


def test_a_tighter_policy_denies_delays_and_avoids_exhaustion(traced: Any) -> None:
    found = traced.backtest(traced.text + CAP)

    changes, pools = found["changes"], {pool["pool"]: pool for pool in found["pools"]}
    assert changes["delayed"] > 100
    assert found["after"]["waited_seconds"] > found["before"]["waited_seconds"]
    assert found["after"]["cost_microusd"] < found["before"]["cost_microusd"]
    assert pools["openai-prod/tokens"]["avoided"]
    assert pools["policy/cap"]["caused"]
    assert sum(row["changed"] for row in found["by"]["agent_id"]) == found["changed"]


def test_the_future_of_the_past_is_what_the_candidate_let_happen(begin: Begin) -> None:
    past = begin(
        RULES
        + "pools: [{id: local/day, limit: 5, window: {kind: calendar, every: day}, shared_by: ['*']}]\n"
    )
    for agent in "aabbbb":
        answer = past.ask(agent_id=agent, max_wait=0)
        if answer.allowed:
            past.report(answer.intent_id)
        past.pass_time(1)

    found = past.backtest(
        _rules(
            "{name: no-a, condition: \"agent.id == 'a'\", action: deny}",
            more="pools: [{id: local/day, limit: 5, window: {kind: calendar, every: day}, shared_by: ['*']}]\n",
        )
    )

    assert found["changes"] == {"denied": 2, "approved": 1}  # what a did not take, b may have
    (row,) = [row for row in found["by"]["agent_id"] if row["id"] == "b"]
    assert (row["asked"], row["approved"]) == (4, 1)
    (pool,) = found["pools"]
    assert (pool["used_before"], pool["exhaustions_before"], len(pool["avoided"])) == (5, 1, 1)


def test_what_a_candidate_routes_or_delays_is_named(begin: Begin) -> None:
    past = begin(RULES + "workloads: {work: {degrade: [less]}}\n")
    past.ask(agent_id="a")
    past.ask(agent_id="b")

    found = past.backtest(
        _rules(
            "{name: smaller, condition: \"agent.id == 'a'\", action: degrade}",
            "{name: slower, condition: \"agent.id == 'b'\", action: delay, params: {wait_seconds: 3}}",
            more="workloads: {work: {degrade: [less]}}\n",
        )
    )

    assert found["changes"] == {"routed": 1, "delayed": 1}
    routed, delayed = found["examples"]
    assert routed["after"]["modifications"] == {"degrade": "less"}
    assert (delayed["after"]["wait_seconds"], delayed["after"]["rule"]) == (3.0, "p/slower")
    assert found["rules"] == [
        {"rule": "p/slower", "before": 0, "after": 1},
        {"rule": "p/smaller", "before": 0, "after": 1},
    ]


def test_a_report_settles_the_candidates_hold_and_the_same_money(begin: Begin) -> None:
    policy = (
        "settings: {forecast_model: linear}\n"
        "providers: {mock: [{id: m, pools: {t: {limit: 1000, unit: tokens}}}]}\n"
        "pricing: {m: {tokens: 1000000}}\n"
    )
    past = begin(policy)
    answer = past.ask(expected_cost=100)
    past.pass_time(2)
    past.report(answer.intent_id, actual_cost=40)

    found = past.backtest(
        policy
        + "pools: [{id: money/day, unit: microusd, limit: 9000000, window: {kind: calendar, every: day}, shared_by: ['*']}]\n"
    )

    assert found["before"]["cost_microusd"] == found["after"]["cost_microusd"] == 40_000
    assert {pool["pool"]: pool["used_after"] for pool in found["pools"]} == {
        "m/t": 40,
        "money/day": 40_000,
    }


def test_hidden_spending_happens_under_any_policy(begin: Begin) -> None:
    policy = "settings: {forecast_model: linear}\nproviders: {mock: [{id: m, pools: {t: {limit: 100, window: {kind: fixed, every: 1h}}}}]}\n"
    past = begin(policy)
    for agent in "aab":
        past.report(past.ask(agent_id=agent).intent_id)
    past.pass_time(1)
    past.observe("m/t", used=93, limit=100)  # ninety of which nobody asked for
    past.pass_time(1)
    for agent in "bbbbbbbbb":
        past.ask(agent_id=agent, urgency="high", max_wait=0)

    found = past.backtest(
        policy
        + "policies: [{id: p, rules: [{name: no-a, condition: \"agent.id == 'a'\", action: deny}]}]\n"
    )

    assert found["changes"] == {"denied": 2, "approved": 2}  # a's two are left for b


@pytest.mark.parametrize(("overridable", "changes"), [("true", {}), ("false", {"denied": 1})])
def test_what_a_human_allowed_is_allowed_again_if_the_candidate_lets_that_be(
    begin: Begin, overridable: str, changes: dict[str, int]
) -> None:
    closed = "{name: closed, condition: \"intent.workload_id == 'deploy'\", action: deny, overridable: %s}"
    past = begin(_rules(closed % "true"))
    asked = Intent("a", "i", "deploy", "repo:x/y")
    denied = past.ask("deploy")
    past.overrule(Denial(denied.intent_id, asked, ("p", "closed")))

    found = past.backtest(_rules(closed % overridable))

    assert found["questions"] == 2
    assert (
        found["before"]["denied"],
        found["before"]["modified"] + found["before"]["approved"],
    ) == (1, 1)
    assert found["changes"] == changes


def test_caps_of_runs_count_each_run_for_itself(begin: Begin) -> None:
    past = begin(_rules("{name: idle, condition: 'false', action: deny}"))
    for called in ("one", "one", "two", "one", "two"):
        past.ask(run=sha256(called.encode()).hexdigest()[:16], max_wait=0)  # as doors name it
    capped = (
        "pools: [{id: local/run, limit: 2, per: client_context.run_id,"
        " window: {kind: calendar, every: day}, shared_by: ['*']}]\n"
    )

    found = past.backtest(_rules("{name: idle, condition: 'false', action: deny}", more=capped))

    assert found["changes"] == {"denied": 1}  # the third of the first run


PER_CUSTOMER = (
    "pools: [{{id: local/{id}, limit: {limit}, per: client_context.customer,"
    " window: {{kind: calendar, every: day}}, shared_by: ['*']}}]\n"
)
IDLE = "{name: idle, condition: 'false', action: deny}"


def test_values_that_a_pool_was_counted_by_are_known_to_every_candidate(begin: Begin) -> None:
    past = begin(_rules(IDLE, more=PER_CUSTOMER.format(id="wide", limit=3)))
    for called in ("one", "one", "two", "one", "one", "two", ""):
        past.ask(context={"customer": called} if called else {}, max_wait=0)

    found = past.backtest(_rules(IDLE, more=PER_CUSTOMER.format(id="narrow", limit=2)))

    assert found["before"]["denied"] == 1  # the fourth of the first customer
    assert found["changes"] == {"denied": 1}
    assert (found["lumped"], found["notes"]) == ([], [])


def test_values_that_the_log_does_not_tell_are_counted_as_one_and_that_is_said(
    begin: Begin,
) -> None:
    past = begin(_rules(IDLE))
    for called in ("one", "two", "three"):
        past.ask(context={"customer": called}, max_wait=0)
    budget = (
        "{name: 'each one', action: budget_cap,"
        " params: {limit_microusd: 5, window: day, per: client_context.customer}}"
    )
    more = "pricing: {local: {requests: 1000}}\n" + PER_CUSTOMER.format(id="narrow", limit=2)

    found = past.backtest(_rules(budget, more=more))

    assert found["changes"] == {"denied": 1}
    told = {one["pool"]: (one["rule"], one["questions"]) for one in found["lumped"]}
    assert told == {"local/narrow": (None, 3), "policy/p/each-one": ("p/each one", 2)}
    assert "rule p/each one counts client_context.customer" in " ".join(found["notes"])
    assert "pool local/narrow counts client_context.customer" in page(found)


def test_only_the_questions_of_the_span_are_compared_with_the_state_before_them(
    begin: Begin,
) -> None:
    policy = (
        RULES
        + "pools: [{id: local/day, limit: 2, window: {kind: calendar, every: day}, shared_by: ['*']}]\n"
    )
    past = begin(policy)
    for _ in range(2):
        past.report(past.ask().intent_id)
    past.pass_time(60)
    middle = past.now
    past.ask(max_wait=0)

    found = past.backtest(policy, since=middle)

    assert found["questions"] == 1
    assert found["changed"] == 0
    assert found["from"] == to_text(middle)
    assert past.backtest(policy, until=middle)["questions"] == 2


def test_a_span_in_which_nobody_asked_is_refused(begin: Begin) -> None:
    with pytest.raises(InvalidRequest, match="nobody asked anything"):
        begin(RULES).backtest(RULES)


def test_a_span_that_ends_before_it_begins_is_refused(begin: Begin) -> None:
    past = begin(RULES)
    with pytest.raises(
        InvalidRequest, match=r"ends \(to, .*\) before it begins .*: exchange the two"
    ):
        past.backtest(RULES, since=past.now, until=past.now - 1)


def test_a_pin_that_the_candidate_does_not_know_is_left_out_and_said(begin: Begin) -> None:
    past = begin(
        RULES
        + "pools: [{id: local/day, limit: 2, window: {kind: calendar, every: day}, shared_by: ['*']}]\n"
    )
    past.ask(provider_id="local", pool_id="day")

    with pytest.raises(InvalidRequest, match="pins a pool"):
        past.backtest(RULES)
    past.ask()
    assert past.backtest(RULES)["notes"] == [
        "1 questions pin a provider or a pool that the candidate does not have; they are left out"
    ]


def test_the_page_needs_nothing_else_and_shows_strangers_names_as_text(begin: Begin) -> None:
    past = begin(RULES)
    past.ask(agent_id="a")

    text = page(past.backtest(_rules("{name: '<b>no</b>', action: deny}")))

    assert text.startswith("<!doctype html>")
    assert "<b>no</b>" not in text
    assert "&lt;b&gt;no&lt;/b&gt;" in text
    assert "<script" not in text
    assert "1 of 1 questions (100.0 %) would have been answered otherwise." in text
    assert "http" not in text


@pytest.mark.promise("Pol-08")
def test_the_command_reads_a_log_and_shows_the_difference(
    traced: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, candidate = tmp_path / "log.db", tmp_path / "new.yaml"
    stores = plugins.load().named("ratelord_register_stores")
    store = stores["sqlite"].open_events(log)
    store.append(traced.store.records)
    store.close()
    candidate.write_text(traced.text + CAP, encoding="utf-8")
    words = ["policy", "backtest", "--policy", str(candidate), "--db", str(log)]

    assert run([*words, "--html", str(tmp_path / "out.html")]) == 0
    told = capsys.readouterr().out
    assert run([*words, "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert run([*words, "--json", "--from", "2026-01-01T00:05:00Z"]) == 0
    later = json.loads(capsys.readouterr().out)

    assert "of 1,500 questions (" in told
    assert "would have started later" in told
    assert "times that a pool ran dry" in told
    shown = (tmp_path / "out.html").read_text(encoding="utf-8")
    for what, key in (
        ("cost, as foreseen", "expected_cost_microusd"),
        ("spent, as reported", "cost_microusd"),
    ):
        before, after = (dollars(whole[side][key]) for side in ("before", "after"))
        assert before != after
        assert re.search(rf"{what}\W+{re.escape(before)}\W+{re.escape(after)}", told)
        assert f"<td>{what}</td><td>{before}</td><td>{after}</td>" in shown
    assert "agent-3: chat in repo:acme/" in told
    assert 0 < later["questions"] < 1500
    assert "<svg" in shown
    assert run([*words, "--from", "yesterday"]) == 2
    assert "'yesterday' is neither a time" in capsys.readouterr().err
