"""The page on control: its tables are those of this version, and `pace` reaches what it is to reach."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ratelord_core import parts
from ratelord_core.parts import Parts
from ratelord_sim.contest import table
from ratelord_sim.contest.contest import LOADS
from ratelord_sim.contest.entrant import USUAL, entrant
from ratelord_sim.contest.round import Task, play_round
from ratelord_sim.library import find
from ratelord_sim.scenario.reader import read_file

DOCS = Path(__file__).parents[2] / "docs"
FIRST = 101
SEEDS = 5
_NEAR = (1.0, 0.2, 0.01, 0.12)
"""How near the page has to be: in used, refusals, Jain's index and variation."""
AGAIN = "; write the page anew with the commands that it shows"


@pytest.fixture(scope="module")
def installed() -> Parts:
    """What the installed plugins offer."""
    return parts.load()


@pytest.fixture(scope="module")
def loads(installed: Parts) -> dict[str, str]:
    """Titles of the loads by the beginnings of their names."""
    return {name: read_file(find([name])[0], installed).name for name in LOADS}


def _tables(name: str) -> list[list[list[str]]]:
    """The tables of a file, as lines of cells without the heads."""
    text = (DOCS / name).read_text(encoding="utf-8")
    found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[_cells(line) for line in one.splitlines()] for one in found]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_load_and_every_controller_is_in_every_table(loads: dict[str, str]) -> None:
    *tables, _ = _tables("control-table.inc")

    assert len(tables) == len(table.TABLES)
    for head, _, *lines in tables:
        assert head == ["load", *(f"`{name}`" for name in USUAL)]
        assert [line[0] for line in lines] == list(loads.values()), AGAIN


@pytest.mark.parametrize(("name", "seed"), [("s22", 101), ("s23", 104), ("s27", 102)])
def test_what_the_page_says_is_what_this_version_does(
    name: str, seed: int, loads: dict[str, str], installed: Parts
) -> None:
    """But for what a small change of a forecast moves."""
    (path,) = find([name])
    found = play_round(Task(path, entrant("pace", installed.controllers), seed))
    said, now = _said(loads[name])[seed - FIRST], table.seed_cell([found])

    apart = [abs(a - b) for a, b in zip(_numbers(now), _numbers(said), strict=True)]
    assert all(a <= most for a, most in zip(apart, _NEAR, strict=True)), f"{now}{AGAIN}"


def _said(load: str) -> list[str]:
    head, _, *lines = _tables("control-pace.inc")[-1]
    assert head == ["load", *(f"seed {FIRST + place}" for place in range(SEEDS))]
    (cells,) = (line[1:] for line in lines if line[0] == load)
    return cells


def _numbers(cell: str) -> list[float]:
    """What was used of the fullest pool (%), refusals, Jain's index, variation."""
    used, *rest = cell.split(" / ")
    return [max(map(float, used.split(" · "))), *map(float, rest)]


@pytest.mark.parametrize("name", ["s21", "s27", "s29"])
def test_a_pool_wanted_three_times_over_is_used_up_evenly_and_fairly(
    name: str, loads: dict[str, str]
) -> None:
    for used, refusals, fairness, variation in map(_numbers, _said(loads[name])):
        assert used >= 99
        assert refusals == 0
        assert fairness >= 0.99
        assert variation <= 0.1


def test_costs_that_nobody_knows_cause_a_refusal_in_ten_windows_at_most(
    loads: dict[str, str],
) -> None:
    for used, refusals, fairness, variation in map(_numbers, _said(loads["s25"])):
        assert used >= 99
        assert refusals <= 0.1
        assert fairness >= 0.99
        assert variation <= 0.1


def test_bursts_use_up_nine_tenths_without_a_refusal(loads: dict[str, str]) -> None:
    for used, refusals, fairness, _ in map(_numbers, _said(loads["s22"])):
        assert used >= 90
        assert refusals == 0
        assert fairness >= 0.95


def test_others_that_spend_unseen_cause_a_refusal_a_window_at_most(loads: dict[str, str]) -> None:
    for used, refusals, fairness, variation in map(_numbers, _said(loads["s24"])):
        assert used >= 99
        assert refusals <= 1
        assert fairness >= 0.99
        assert variation <= 0.1


def test_of_two_short_pools_both_are_used_up(loads: dict[str, str]) -> None:
    for cell in _said(loads["s28"]):
        used, refusals, *_ = cell.split(" / ")
        assert min(map(float, used.split(" · "))) >= 98
        assert refusals == "0"


def test_nobody_waits_where_there_is_enough(loads: dict[str, str]) -> None:
    waits = _tables("control-pace.inc")[3]
    (wait,) = (line[1] for line in waits if line[0] == loads["s23"])

    assert float(wait) <= 0.01
