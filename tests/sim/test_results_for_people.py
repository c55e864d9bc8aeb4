"""What people get: the command line, the page, the table, the comparison."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ratelord_core.parts import Parts
from ratelord_sim.cli.app import run
from ratelord_sim.library import find, shipped
from ratelord_sim.play import play
from ratelord_sim.report.difference import differences
from ratelord_sim.report.page import page_of
from ratelord_sim.report.svg import moments
from ratelord_sim.report.table import csv_of
from ratelord_sim.result import Result
from ratelord_sim.scenario.reader import read_file

SMALL = """
name: <small & quick>
duration: 30s
agents: [{name: a, count: 5, behavior: poisson, rate: 0.5}]
invariants: [{metric: denied, condition: "==", value: 0}]
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A scenario that is quick to play."""
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return file


@pytest.fixture
def result(small: Path, installed: Parts) -> Result:
    """Its result."""
    return play(read_file(small, installed), installed)


class Tags(HTMLParser):
    """Balances tags, and notes what a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)


def test_the_page_needs_nothing_but_itself_and_quotes_what_it_shows(result: Result) -> None:
    page = page_of(result)
    tags = Tags()
    tags.feed(page)

    assert not tags.open
    assert tags.links == []
    assert not tags.seen & {"script", "link", "img", "iframe"}
    assert "svg" in tags.seen
    assert "&lt;small &amp; quick&gt;" in page
    assert "All invariants hold" in page


def test_the_table_has_every_group_and_its_waits(result: Result) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of([result]))))

    assert {row["scope"] for row in rows} >= {"all", "a", "pool:mock-provider-1/default"}
    assert {row["metric"] for row in rows} >= {"requests", "wait_seconds.p99", "fairness"}


def test_instants_along_the_axis_are_round_and_few() -> None:
    for duration in (7.0, 30.0, 90.0, 240.0, 900.0, 3600.0, 86400.0):
        found = moments(duration)
        assert 3 <= len(found) <= 7
        assert found[0][0] == 0
        assert found[-1][0] <= duration


def test_a_comparison_names_what_changed_and_by_how_much(small: Path, installed: Parts) -> None:
    scenario = read_file(small, installed)
    policy = small.with_name("strict.yaml")
    policy.write_text(
        "policies: [{id: p, rules: [{name: all, condition: 'true', action: deny}]}]\n"
    )
    before = play(scenario, installed)
    after = play(read_file(small, installed, policy=policy), installed)
    found = {one["what"]: one for one in differences(before, after)}

    assert differences(before, before) == []
    assert found["totals.denied"]["first"] == 0 < found["totals.denied"]["second"]
    assert found["totals.approved"]["change"] == "-100 %"
    assert found["success"]["second"] is False


def test_what_is_compared_may_be_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "s15", "s15"]) == 0
    assert "nothing differs" in capsys.readouterr().out
    assert run(["compare", "s1", "s15"]) == 2
    assert "name one" in capsys.readouterr().err


def test_run_writes_files_and_says_by_its_exit_code_whether_all_holds(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = small.parent
    failing = folder / "failing.yaml"
    failing.write_text(SMALL.replace("value: 0", "value: 7"), encoding="utf-8")
    outputs = [f"--report={folder / 'it.html'}", f"--csv={folder / 'it.csv'}"]

    assert run(["run", str(small), *outputs]) == 0
    assert run(["run", str(failing)]) == 1
    assert "<svg" in (folder / "it.html").read_text(encoding="utf-8")
    assert (folder / "it.csv").read_text(encoding="utf-8").startswith("scenario,seed")
    assert "FAILS" in capsys.readouterr().err


def test_into_a_pipe_goes_json_and_people_are_told_aside(small: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "ratelord_sim.cli", "run", str(small)],
        capture_output=True,
        check=True,
        text=True,
        timeout=240,
    )

    assert json.loads(ran.stdout)["success"] is True
    assert "holds  <small & quick>" in ran.stderr


def test_what_new_writes_is_valid_and_holds(
    tmp_path: Path, installed: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", str(tmp_path / "mine")]) == 0
    assert run(["check", str(tmp_path / "mine.yaml")]) == 0
    assert run(["new", str(tmp_path / "mine")]) == 1, "it is there already"
    assert "choose another name" in capsys.readouterr().err
    assert play(read_file(tmp_path / "mine.yaml", installed), installed)["success"]


def test_check_names_mistakes_and_their_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: x\nagents: [{behavior: greddy}]\n", encoding="utf-8")

    assert run(["check", str(bad)]) == 1
    assert "bad.yaml:2:21: no behavior is called 'greddy'" in capsys.readouterr().err
    assert run(["check"]) == 0


def test_scenarios_are_found_by_their_beginning_and_misspelt_ones_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert [path.stem for path in find(["s01"])] == ["s01-thundering-herd"]
    assert len(find([])) == len(shipped())
    assert run(["run", "s01-thundering-heard"]) == 1
    assert "did you mean 's01-thundering-herd'?" in capsys.readouterr().err


def test_the_same_command_is_a_verb_of_ratelord() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "ratelord_core.cli", "sim", "list", "--json"],
        capture_output=True,
        check=True,
        text=True,
        timeout=240,
    )

    assert {one["name"] for one in json.loads(ran.stdout)} == set(shipped())
