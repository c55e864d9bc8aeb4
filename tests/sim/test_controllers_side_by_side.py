"""Delay controllers on the same loads: who plays, what is measured, what is printed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ratelord_core.errors import RatelordError
from ratelord_core.parts import Parts
from ratelord_sim.cli.app import run
from ratelord_sim.contest.contest import LOADS, contest
from ratelord_sim.contest.entrant import USUAL, entrant, with_entrant
from ratelord_sim.contest.round import Round
from ratelord_sim.library import find, shipped
from ratelord_sim.scenario.reader import read_file

SMALL = """
name: small
duration: 2m
topology:
  pools: {api/requests: {limit: 60, window: {kind: fixed, every: 60s}}}
  providers: {api: {poll_interval: 10s}}
policy:
  policies:
    - id: steer
      scope: global
      rules:
        - {name: warn, condition: "true", action: warn}
        - {name: pace, condition: "true", action: shape, params: {algorithm: pace}}
agents:
  - {name: some, count: 3, behavior: poisson, rate: 1, hint: 1s, max_wait: 10s}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A small scenario in which a rule names a controller."""
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("pdi", "no delay controller is called 'pdi'; did you mean 'pid'?"),
        ("pid:kq=1", "pid has no parameter 'kq'"),
        ("pid:kp=-1", "pid:kp=-1: Expected `float` >= 0.0 - at `$.kp`"),
        ("pid:kp=1e300", "pid:kp=1e300: Expected `float` <= 10000.0 - at `$.kp`"),
        ("pid:kp", "'kp' is no gain; write kp=VALUE"),
        ("none:kp=1", "none has no gains"),
    ],
)
def test_who_cannot_play_is_told_why(written: str, said: str, installed: Parts) -> None:
    with pytest.raises(RatelordError, match=re.escape(said)):
        entrant(written, installed.controllers)


def test_an_entrant_takes_the_place_of_controllers_and_of_nothing_else(
    small: Path, installed: Parts
) -> None:
    scenario = read_file(small, installed)
    chosen = entrant("pid:kp=4,ki=2.5,fair=false", installed.controllers)
    (policy,) = with_entrant(scenario, chosen, installed.controllers).document.policies

    assert [rule.params for rule in policy.rules] == [
        {},
        {"algorithm": "pid", "kp": 4, "ki": 2.5, "fair": False},
    ]
    nobody = entrant("none", installed.controllers)
    (policy,) = with_entrant(scenario, nobody, installed.controllers).document.policies
    assert [rule.name for rule in policy.rules] == ["warn"]


def test_a_scenario_that_steers_nothing_is_no_load(installed: Parts) -> None:
    scenario = read_file(shipped()["s01-thundering-herd"], installed)

    with pytest.raises(RatelordError, match="no rule names a delay controller"):
        with_entrant(scenario, entrant("pace", installed.controllers), installed.controllers)


def test_rounds_are_the_same_in_one_process_and_in_two(small: Path, installed: Parts) -> None:
    entrants = [entrant(name, installed.controllers) for name in ("none", "pace")]
    heard: list[tuple[int, int]] = []
    alone = contest([small], entrants, [1, 2], jobs=1, done=lambda *so: heard.append(so))

    assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert contest([small], entrants, [1, 2], jobs=2) == alone
    assert [(one.controller, one.seed) for one in alone] == [
        ("none", 1), ("none", 2), ("pace", 1), ("pace", 2),
    ]  # fmt: skip
    assert [one.over for one in alone] == [0, 0, 0, 0]
    assert min(one.fullest or 0.0 for one in alone) > 0.9


def test_the_command_prints_tables_json_and_a_page(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "table.inc"
    words = ["controllers", str(small), "--controller", "pace", "--seeds", "1", "-j", "1"]
    assert run([*words, "--table", str(page)]) == 0
    told = capsys.readouterr().out
    assert "Jain's index" in told
    assert run([*words, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)

    assert set(found) == set(Round.__struct_fields__)
    assert found["load"] == "small"
    assert "| load | `pace` |\n| --- | --- |\n| small | " in page.read_text(encoding="utf-8")
    used = f"{100 * found['used']['api/requests']:.1f} / 0"
    assert used in page.read_text(encoding="utf-8")
    assert used in told


def test_a_table_without_a_folder_is_said_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["controllers", "--table", str(tmp_path / "none" / "table.inc")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_all_that_plays_by_itself_can_play(installed: Parts) -> None:
    for path in find(LOADS):
        scenario = read_file(path, installed)
        for name in USUAL:
            with_entrant(scenario, entrant(name, installed.controllers), installed.controllers)
