"""``ratelord forecast``: scores on a trace and on the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratelord_core import plugins
from ratelord_core.cli.app import run
from ratelord_core.clock import SeededEntropy
from ratelord_core.events.codec import Sealer
from ratelord_core.events.envelope import Draft
from ratelord_core.events.lines import HeldLine
from ratelord_core.events.payloads import (
    ConfigLoaded,
    IntentDecided,
    Payload,
    ResetObserved,
)
from ratelord_core.model.ids import uuid7
from ratelord_core.model.instant import MINUTE, SECOND
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window

DATA = Path(__file__).parents[1] / "data" / "llm_requests.csv.gz"
BACKTEST = ["forecast", "backtest", "--trace", str(DATA), "--window", "20", "--origins", "200"]
START = 1_767_225_600 * SECOND


def test_a_backtest_shows_a_table_and_a_diagram(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*BACKTEST, "--model", "linear"]) == 0
    shown = capsys.readouterr()
    assert "llm_requests · units/20s/40%" in shown.out
    assert "risk said against share seen" in shown.out
    assert shown.err == ""


def test_a_backtest_as_json_has_every_score(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*BACKTEST, "--column", "tokens_in", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["llm_requests"]
    assert {each["model"] for each in found} == {"linear", "ensemble"}
    for each in found:
        assert each["forecasts"] > 20
        assert 0.0 <= each["calibration_error"] <= 1.0
        assert {"brier", "log_loss", "skill", "coverage_p90", "pinball_percent"} <= set(each)
        assert each["capacities"][0] > 0.0
        assert sum(number for number, _, _ in each["reliability"]) == each["forecasts"]


def test_skill_over_linear_is_told_beside_skill_over_the_mean(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run([*BACKTEST, "--model", "linear", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["llm_requests"]
    assert found["skill_over_linear"] == 0.0
    spread = found["base_rate"] * (1.0 - found["base_rate"])
    assert found["skill"] == pytest.approx(1.0 - found["brier"] / spread)


def test_two_traces_of_one_name_are_both_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / DATA.name
    other.write_bytes(DATA.read_bytes())
    assert run([*BACKTEST, "--trace", str(other), "--model", "linear", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {str(DATA), str(other)}


def test_a_backtest_writes_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "report.html"
    assert run([*BACKTEST, "--model", "linear", "--report", str(page)]) == 0
    assert page.read_text(encoding="utf-8").count("<svg") == 1
    capsys.readouterr()


def test_a_backtest_writes_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "table.md"
    asked = [*BACKTEST, "--model", "linear", "--model", "gamma", "--table", str(table)]
    assert run(asked) == 0
    written = table.read_text(encoding="utf-8").splitlines()
    assert "| trace | linear | gamma | perfect |" in written
    assert sum(line.startswith("| llm_requests | ") for line in written) == 2
    capsys.readouterr()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--model", "liner"], "no forecast model is called 'liner'"),
        (["--capacity", "plenty"], "--capacity plenty must be auto or a number"),
        (["--share", "1.5"], "--share 1.5 must lie between 0 and 1"),
        (["--window", "0"], "--window 0 must be more than 0 seconds"),
        (["--poll", "-1"], "--poll -1 must be more than 0 seconds"),
        (["--poll", "nan"], "--poll nan must be more than 0 seconds"),
        (["--origins", "0"], "--origins 0 must be 1 or more"),
        (["--report", "nowhere/page.html"], "there is no folder nowhere; make it first"),
        (["--table", "nowhere/table.md"], "there is no folder nowhere; make it first"),
    ],
)
def test_what_makes_no_sense_is_refused(
    more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["forecast", "backtest", "--trace", str(DATA), *more]) == 2
    assert said in capsys.readouterr().err


def _log(path: Path, windows: int) -> None:
    """A log in which a pool of 30 runs dry in every window."""
    store = plugins.load().named("ratelord_register_stores")["sqlite"].open_events(path)
    entropy, head = SeededEntropy(), store.head()
    sealer = Sealer(entropy, seq=head.seq, chain=head.chain)
    pool = Pool("team", "calls", limit=30, window=Window(kind="calendar", unit="hour"))
    told: list[tuple[int, Payload]] = [(START + SECOND, ConfigLoaded(pools=(pool,)))]
    hour = 60 * MINUTE
    for window in range(windows):
        begin = START + window * hour
        for minute in range(30):
            held = HeldLine("team/calls", 1, 0, -1, MINUTE)
            told.append((begin + minute * MINUTE + 5 * SECOND, IntentDecided(holds=(held,))))
        end = begin + hour
        told.append((end + 2 * SECOND, ResetObserved(pool="team/calls", used=30, reset_at=end)))
    drafts = [Draft(uuid7(at, entropy), at, payload) for at, payload in told]
    store.append([sealer.seal(draft, draft.ts_event) for draft in drafts])
    store.close()


def test_the_log_is_scored_by_any_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _log(tmp_path / "r.db", 6)
    asked = ["forecast", "score", "--db", str(tmp_path / "r.db"), "--model", "linear"]
    assert run([*asked, "--model", "ensemble", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["pool"], each["model"]) for each in found] == [
        ("team/calls", "linear"),
        ("all", "linear"),
        ("team/calls", "ensemble"),
        ("all", "ensemble"),
    ]
    assert all(each["base_rate"] == 1.0 and each["windows"] == 6 for each in found)
    assert [each["skill_over_linear"] for each in found[:2]] == [0.0, 0.0]
    assert found[2]["skill_over_linear"] == pytest.approx(1 - found[2]["brier"] / found[0]["brier"])
    assert run(asked) == 0
    assert "team/calls" in capsys.readouterr().out


def test_a_log_without_windows_that_ended_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _log(tmp_path / "r.db", 0)
    assert run(["forecast", "score", "--db", str(tmp_path / "r.db")]) == 0
    assert "No forecast has settled yet" in capsys.readouterr().out
