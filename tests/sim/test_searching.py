"""The search for trouble: random scenarios, the laws they are held to, findings made small."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.ledger.hold import Asker
from ratelord_core.ledger.period import PeriodAccount
from ratelord_core.model.instant import HOUR, Micros
from ratelord_core.parts import Parts
from ratelord_sim.cli.app import run
from ratelord_sim.fuzz.finding import write_finding
from ratelord_sim.fuzz.hunt import Wanted, hunt
from ratelord_sim.fuzz.scene import scene
from ratelord_sim.fuzz.shrink import shrink
from ratelord_sim.fuzz.trial import try_tree
from ratelord_sim.scenario.reader import read_file

Patch = pytest.MonkeyPatch


@pytest.fixture
def generous(monkeypatch: Patch) -> None:
    """A ledger that lets everybody start at once, whatever is left in the window."""
    monkeypatch.setattr(PeriodAccount, "earliest", lambda self, units, lifetime, after, *_: after)


def test_a_short_round_finds_nothing() -> None:
    done = hunt(Wanted(seed=20260101, count=60))

    assert done.played == 60
    assert done.findings == []


_PRINT_SCENES = (
    "import hashlib, json; from ratelord_sim.fuzz.scene import scene;"
    "print(hashlib.sha256(json.dumps([scene(5, n) for n in range(20)]).encode()).hexdigest())"
)


def test_the_same_seed_makes_the_same_scenarios_in_every_process() -> None:
    here = json.dumps([scene(5, number) for number in range(20)])
    environment = os.environ | {"PYTHONHASHSEED": "12345"}

    there = subprocess.run(
        [sys.executable, "-c", _PRINT_SCENES], env=environment, capture_output=True, check=True
    )

    assert there.stdout.decode().strip() == hashlib.sha256(here.encode()).hexdigest()
    assert scene(5, 0) != scene(6, 0)
    assert scene(5, 0) != scene(5, 1)


def test_half_of_all_scenarios_excuse_no_refusal() -> None:
    laws = [{law["metric"] for law in scene(1, number)["invariants"]} for number in range(200)]

    assert 70 < sum("provider_refusals" in one for one in laws) < 130
    assert all("over_admissions" in one for one in laws)


@pytest.mark.usefixtures("generous")
def test_a_ledger_that_gives_too_much_is_found_and_shown_by_a_small_file(
    tmp_path: Path, installed: Parts
) -> None:
    done = hunt(Wanted(seed=1, count=5, tries=60))

    finding = next(one for one in done.findings if "over_admissions" in one.signature)
    path = write_finding(finding, done.seed, tmp_path)
    assert len(finding.tree["agents"]) == 1
    assert len(json.dumps(finding.tree)) < len(json.dumps(scene(1, finding.number))) / 3
    assert f"--seed 1 --first {finding.number} --count 1" in path.read_text()
    assert read_file(path, installed).invariants
    assert run(["run", str(path)]) == 1


@pytest.mark.usefixtures("generous")
def test_a_round_that_is_cut_in_two_finds_the_same() -> None:
    whole = hunt(Wanted(seed=1, count=6, tries=1))
    first = hunt(Wanted(seed=1, count=3, tries=1))
    second = hunt(Wanted(seed=1, first=first.next, count=3, tries=1))

    halves = {one.signature for done in (first, second) for one in done.findings}
    assert second.next == whole.next == 6
    assert {one.signature for one in whole.findings} == halves


def test_an_engine_that_falls_over_is_a_finding(monkeypatch: Patch, installed: Parts) -> None:
    def stumble(*_: Any) -> None:
        raise ZeroDivisionError("a stone")

    monkeypatch.setattr(PeriodAccount, "hold", stumble)
    tree = {"name": "x", "duration": "2s", "agents": [{"name": "a"}]}

    outcome = try_tree(tree, installed)

    assert outcome.signature == "ZeroDivisionError in test_searching.py:stumble"
    assert outcome.said == "ZeroDivisionError: a stone"


def test_shrinking_takes_out_what_is_not_needed_and_makes_the_rest_small() -> None:
    tree = {
        "name": "x",
        "duration": "45s",
        "agents": [{"name": "a", "count": 4, "work": "1234ms"}, {"name": "b", "count": 17}],
        "faults": [{"kind": "crash", "at": "3s"}, {"kind": "outage", "at": "2s"}],
    }

    def shows(candidate: dict[str, Any]) -> bool:
        many = any(group.get("count", 1) >= 5 for group in candidate.get("agents", ()))
        return many and any(one["kind"] == "crash" for one in candidate.get("faults", ()))

    assert shrink(tree, shows) == {
        "name": "x",
        "agents": [{"name": "b", "count": 5}],
        "faults": [{"kind": "crash"}],
    }


def test_shrinking_ends_after_so_many_tries() -> None:
    tried = []

    def shows(candidate: dict[str, Any]) -> bool:
        tried.append(candidate)
        return True

    shrink({"agents": [{"count": n} for n in range(50)]}, shows, most=7)

    assert len(tried) == 7


def test_whoever_is_always_turned_away_while_its_like_is_served_is_neglected(
    monkeypatch: Patch, installed: Parts
) -> None:
    fair = PeriodAccount.earliest

    def unfair(
        account: PeriodAccount,
        units: int,
        lifetime: Micros,
        after: Micros,
        latest: Micros,
        now: Micros,
        asker: Asker,
    ) -> Micros | None:
        if asker.agent == "b-1":
            return after + HOUR
        return fair(account, units, lifetime, after, latest, now, asker)

    group = {"behavior": "periodic", "rate": 0.5, "hint": "2s", "max_wait": "30s"}
    law = {"metric": "neglected", "condition": "==", "value": 0}
    tree = {
        "name": "x",
        "topology": {"pools": {"p/q": {"limit": 4, "window": {"kind": "fixed", "every": "5s"}}}},
        "agents": [{"name": "a", **group}, {"name": "b", **group}],
        "invariants": [law],
    }
    assert try_tree(tree, installed).signature == ""

    monkeypatch.setattr(PeriodAccount, "earliest", unfair)

    assert try_tree(tree, installed).signature == "neglected"
    impatient = {**tree, "agents": [{"name": n, **group, "max_wait": "3s"} for n in "ab"]}
    assert try_tree(impatient, installed).signature == ""


def test_bad_luck_among_those_who_are_served_as_they_come_is_no_neglect(installed: Parts) -> None:
    """One of four gets none of eleven places, each of which is whoever's asks first when it is free."""
    tree = {
        "name": "round 417, scenario 196",
        "seed": 2115052638,
        "topology": {
            "providers": {"p0": {"latency": "677ms"}},
            "pools": {"p0/q0": {"limit": 8, "window": {"kind": "bucket", "every": "1ms"}}},
        },
        "policy": {
            "pools": [
                {"id": "cap0", "window": {"kind": "fixed", "every": "4572ms"}, "limit": 30},
                {"id": "cap1", "window": {"kind": "bucket", "every": "3508ms"}, "limit": 1},
            ]
        },
        "agents": [
            {"name": "a", "count": 4, "behavior": "poisson", "work": "0ms", "hint": "10599ms"},
            {"name": "b", "count": 3, "behavior": "greedy", "weight": 2},
        ],
        "invariants": [
            {"metric": "neglected", "condition": "==", "value": 0},
        ],
    }

    assert try_tree(tree, installed).signature == ""


def test_the_command_tells_how_far_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fuzz", "--count", "2", "--first", "40", "--seed", "3", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said == {"seed": 3, "first": 40, "played": 2, "next": 42, "findings": []}


@pytest.mark.parametrize("nothing", ["--count=0", "--minutes=0", "--first=-1", "--jobs=0"])
def test_a_search_that_would_look_at_nothing_is_refused(nothing: str) -> None:
    assert run(["fuzz", nothing]) == 2


def test_crashes_that_overlap_are_one_absence(installed: Parts) -> None:
    tree = {
        "name": "x",
        "duration": "30s",
        "agents": [{"name": "a", "rate": 2}],
        "faults": [
            {"kind": "crash", "at": "5s", "duration": "4s"},
            {"kind": "crash", "at": "6s", "duration": "1s"},
            {"kind": "crash", "at": "9s", "duration": "1s"},
        ],
        "invariants": [
            {"metric": "restarts", "condition": "==", "value": 2},
            {"metric": "replay_differs", "condition": "==", "value": 0},
        ],
    }

    assert try_tree(tree, installed).said == ""
