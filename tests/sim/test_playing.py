"""Whole plays: faults, phases, traces, honesty; and the same bytes for the same seed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ratelord_sim.errors import ScenarioError
from ratelord_sim.measure.metrics import METRICS
from ratelord_sim.result import Result, encode

Playing = Callable[..., Result]

CROWD = """
name: it
seed: 5
duration: 90s
topology:
  pools:
    - {{id: api/rpm, limit: 60, window: {{kind: fixed, every: 30s}}}}
    - {{id: api/tpm, limit: 9000, unit: tokens, window: {{kind: bucket, every: 60s}}}}
  workloads: {{work: {{consumes: {{api/rpm: 1, api/tpm: 50}}}}}}
policy: {{settings: {{hold_ttl: 5s}}}}
agents:
  - {{name: a, count: 12, behavior: poisson, rate: 0.2, spread: 0.3}}
  - {{name: b, count: 4, behavior: bursty, rate: 0.2, burst: 3, priority: low}}
{more}
invariants:
  - {{metric: over_admissions, condition: "==", value: 0}}
  - {{metric: unlogged_answers, condition: "==", value: 0}}
  - {{metric: replay_differs, condition: "==", value: 0}}
  - {{metric: leaks, condition: "==", value: 0}}
"""

FAULTS = {
    "nothing": "",
    "crash": "faults: [{kind: crash, at: 20s, duration: 3s}, {kind: crash, at: 50s, duration: 1s}]",
    "loss": "faults: [{kind: network_loss, at: 10s, duration: 40s, share: 0.3}]",
    "lost replies": "faults: [{kind: network_loss, duration: 60s, share: 0.4, direction: replies}]",
    "duplicates": "faults: [{kind: duplicates, duration: 90s, share: 0.5}]",
    "clock": (
        "faults: [{kind: clock_step, at: 10s, by: -1h}, {kind: crash, at: 20s, duration: 1s}, "
        "{kind: clock_step, at: 40s, by: 2h}, {kind: crash, at: 50s, duration: 1s}]"
    ),
    "slow polls": "faults: [{kind: slow_polls, at: 5s, duration: 60s, latency: 15s}]",
    "outage": "faults: [{kind: outage, at: 10s, duration: 30s, status: timeout}]",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_breaks_a_law(fault: str, plays: Playing) -> None:
    result = plays(CROWD.format(more=FAULTS[fault]))

    assert result["totals"]["requests"] > 200
    assert [one for one in result["invariants"] if not one["passed"]] == []


def test_a_crash_is_felt_and_survived(plays: Playing) -> None:
    result = plays(CROWD.format(more=FAULTS["crash"]))

    assert result["daemon"]["restarts"] == 2
    assert result["totals"]["latency_seconds"]["max"] > 1
    assert result["totals"]["error_rate"] < 0.05


def test_a_reply_that_is_lost_costs_nothing_twice(plays: Playing) -> None:
    lost = plays(CROWD.format(more=FAULTS["lost replies"]))

    assert lost["daemon"]["messages_lost"] > 50
    assert lost["totals"]["units"] == sum(group["units"] for group in lost["groups"].values())
    assert lost["totals"]["provider_refusals"] == 0


def test_agents_that_disobey_are_refused_by_the_provider(plays: Playing) -> None:
    wild = plays(
        "name: it\nduration: 60s\nagents: [{count: 20, behavior: greedy, rate: 5, obeys: false}]\n"
        "topology: {pools: {api/x: {limit: 50, window: {kind: fixed, every: 60s}}}}"
    )

    assert wild["totals"]["provider_refusals"] > 100
    assert wild["totals"]["disobeyed"] > 100
    assert wild["pools"]["api/x"]["over_admissions"] == 0


def test_reporters_that_never_report_use_their_holds_up(plays: Playing) -> None:
    silent = plays(
        "name: it\nduration: 60s\nagents: [{count: 5, rate: 0.5, honesty: silent, hint: 2s}]\n"
        "topology: {providers: {api: {silent: true}}, "
        "pools: {api/x: {limit: 500, window: {kind: fixed, every: 5m}}}}"
    )
    known = silent["series"]["pools"]["api/x"]["known"][-1]

    assert silent["totals"]["unreported"] == silent["totals"]["succeeded"] > 100
    assert known == pytest.approx(silent["totals"]["units"], abs=10)


def test_phases_change_the_pace_and_have_numbers_of_their_own(plays: Playing) -> None:
    result = plays(
        "name: it\nduration: 3m\nagents: [{name: a, count: 10, rate: 1, behavior: poisson}]\n"
        "phases: [{name: calm, duration: 1m, factor: 0.1}, {name: rush, duration: 1m, factor: 2},"
        " {name: off, factor: 0}]"
    )
    counts = {name: phase["demands"] for name, phase in result["phases"].items()}

    assert counts.keys() == {"calm", "rush"}
    assert counts["calm"] == pytest.approx(60, rel=0.4)
    assert counts["rush"] == pytest.approx(1200, rel=0.1)


def test_a_trace_is_played_by_agents(plays: Playing, tmp_path: Path) -> None:
    trace = Path(__file__).parents[1] / "data" / "llm_requests.csv.gz"
    (tmp_path / "requests.csv.gz").write_bytes(trace.read_bytes())
    result = plays(
        "name: it\nduration: 70s\n"
        "topology: {pools: {llm/tpm: {limit: 100000000, unit: tokens, window: {kind: bucket, every: 1m}}}}\n"
        "agents: [{name: coder, count: 7, behavior: trace, trace: requests.csv.gz, column: tokens, speed: 10}]"
    )

    assert result["totals"]["demands"] == 1500
    assert result["totals"]["agents"] == 7
    assert result["totals"]["units"] > 1_500_000


def test_a_trace_that_counts_no_tokens_is_told_apart(plays: Playing, tmp_path: Path) -> None:
    (tmp_path / "commits.csv").write_text("seconds_since_start,units,agent\n0,1,0\n")

    with pytest.raises(
        ScenarioError, match="no column 'tokens'; it has seconds_since_start, units"
    ):
        plays("name: it\nagents: [{name: a, behavior: trace, trace: commits.csv, column: tokens}]")


def test_headers_that_agents_pass_on_show_hidden_spending_between_polls(plays: Playing) -> None:
    text = (
        "name: it\nduration: 2m\nagents: [{count: 5, rate: 0.5, hint: 2s}]\n"
        "topology: {providers: {api: {poll_interval: 60s, headers: HEADERS}}, "
        "pools: {api/x: {limit: 1000, window: {kind: fixed, every: 10m}}}}\n"
        "sabotage: {target: api/x, amount: 100, at: 10s, interval: 1h}"
    )
    polled = plays(text.replace("HEADERS", "false"))["drift"]["delay_seconds"]["max"]
    told = plays(text.replace("HEADERS", "true"))["drift"]["delay_seconds"]["max"]

    assert told < 3 < polled


def test_another_seed_is_another_play_and_the_same_seed_the_same(plays: Playing) -> None:
    text = CROWD.format(more="")

    assert encode(plays(text)) == encode(plays(text))
    assert encode(plays(text)) != encode(plays(text.replace("seed: 5", "seed: 6")))


def test_every_metric_can_be_asked_for(plays: Playing) -> None:
    wanted = "".join(f"  - {{metric: {name}, condition: '>=', value: -1}}\n" for name in METRICS)
    result = plays(CROWD.format(more=FAULTS["crash"]) + wanted)
    silent = [one["metric"] for one in result["invariants"] if one["actual"] is None]

    assert set(silent) <= {
        "drift_delay_max", "drift_polls_max", "drift_tightened", "backoff", "open_max",
        "coverage_p90", "coverage_p99",
    }  # fmt: skip


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    file = tmp_path / "it.yaml"
    file.write_text(CROWD.format(more=FAULTS["crash"]), encoding="utf-8")
    ran = [
        subprocess.run(
            [sys.executable, "-m", "ratelord_sim.cli", "run", str(file), "--json"],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            timeout=240,
        ).stdout
        for seed in ("1", "4242")
    ]

    assert ran[0] == ran[1]
    assert b'"success": true' in ran[0]


def test_a_soft_cap_is_passed_on_purpose_which_is_no_over_admission(plays: Playing) -> None:
    result = plays(
        "name: it\nagents: [{}]\npolicy: {policies: [{id: soft, type: soft, limit: 1}]}\n"
        'invariants: [{metric: over_admissions, condition: "==", value: 0}]\n'
    )

    assert result["totals"]["approved"] > 1
    assert result["success"]


def test_agents_apply_what_they_can_and_no_more(plays: Playing) -> None:
    told = (
        "name: it\nduration: 30s\ntopology:\n"
        "  providers: {a: {identity: key:a}, b: {identity: key:b}}\n"
        "  pools: {a/q: {limit: 5}, b/q: {limit: 100}}\n"
        "policy: {policies: [{id: p, rules: [\n"
        "  {name: r, action: switch, params: {to: [key:b]}}]}]}\n"
        "agents:\n"
        "  - {name: able, identity: key:a, behavior: periodic}\n"
        "  - {name: unable, identity: key:a, behavior: periodic, obeys: [wait]}\n"
    )
    result = plays(told)
    able, unable = result["groups"]["able"], result["groups"]["unable"]

    assert able["modifications"]["identity_switch"] >= able["redirected"] > 20
    assert able["provider_refusals"] == 0
    assert unable["redirected"] == 0
    assert unable["disobeyed"] == unable["modifications"]["identity_switch"]
    assert unable["provider_refusals"] > 15
