"""How help reads: paragraphs that fill the width, defaults, and the name that was typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratelord_core.cli.app import run_daemon
from ratelord_core.cli.help_page import flowed, worth_saying
from ratelord_sim.cli.app import run as run_sim


def test_a_paragraph_goes_on_where_its_source_file_broke_it(ratelord, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    ran = ratelord("policy", "backtest", "--help")
    assert (
        "and changes nothing: the engine decides every question anew, in virtual time." in ran.out
    )


def test_lists_and_code_keep_their_lines():
    said = "One\nsentence.\n\n- a ``word``\n- another\n\n    code\n    more"
    assert flowed(said) == "One sentence.\n\n- a word\n- another\n\n    code\n    more"


def test_defaults_are_told_unless_they_only_mean_that_nothing_was_said(ratelord, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    told = ratelord("demo", "--help").out
    assert "How long it plays. [default: 16]" in told
    assert "Print the wire form. [default" not in told
    assert "default" not in ratelord("up", "--help").out
    assert [worth_saying(each) for each in (0, 2.5, "global", Path("out"))] == [
        "0", "2.5", "global", "out"
    ]  # fmt: skip


def test_a_default_is_told_once(ratelord):
    words = " ".join(ratelord("proxy", "--help").out.replace("│", " ").split())
    assert words.partition("--upstream")[0].lower().count("default") == 1


def test_the_daemon_under_its_own_name_says_that_name(capsys):
    assert run_daemon(["--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: ratelord-d [OPTIONS]")
    assert run_daemon(["--prot", "1"]) == 2
    assert capsys.readouterr().err.endswith("see: ratelord-d --help\n")
    assert run_daemon(["--port", "70000"]) == 1
    assert capsys.readouterr().err.startswith("ratelord-d: setting port")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["frob"], 'ratelord-sim: Unknown command "frob"; see: ratelord-sim --help\n'),
        (["run", "--frob"], "see: ratelord-sim run --help\n"),
        (["run", "nosuch"], "ratelord-sim: there is no scenario 'nosuch'"),
    ],
)
def test_a_mistake_at_the_simulator_points_to_its_own_help(capsys, words, said):
    assert run_sim(words) in (1, 2)
    err = capsys.readouterr().err
    assert err.startswith("ratelord-sim: ")
    assert err.count("\n") == 1
    assert said in err


@pytest.mark.parametrize("program", ["ratelord", "ratelord-sim"])
def test_who_has_zsh_is_told_what_it_needs(ratelord, tmp_path, monkeypatch, capsys, program):
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ["completion", "zsh", "--install"]
    told = ratelord(*words).out if program == "ratelord" else _sim(words, capsys)
    assert "compinit" in told
    assert "autoload" not in ratelord("completion", "bash", "--install").out


def _sim(words, capsys):
    assert run_sim(words) == 0
    return capsys.readouterr().out
