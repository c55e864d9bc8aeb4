"""Every error is one line and an exit code, whatever it was."""

from __future__ import annotations

import pytest

import ratelord
from ratelord_core import errors
from ratelord_core.cli.outcome import CommandFailed, say_and_code


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (CommandFailed("no such thing", 2), 2, "no such thing"),
        (errors.StoreLocked("x.db is in use"), 1, "x.db is in use"),
        (errors.PolicyError("p.yaml", [errors.Finding("bad", 3, 4)]), 1, "p.yaml:3:4: bad"),
        (FileNotFoundError(2, "No such file", "x"), 1, "x: No such file; name one that is there"),
        (ValueError("not an address"), 2, "not an address"),
        (ZeroDivisionError("by zero"), 1, "unexpected ZeroDivisionError: by zero"),
        (RuntimeError("two\nlines"), 1, "unexpected RuntimeError: two lines"),
    ],
)
def test_an_error_is_said_in_one_line(capsys, error, code, said):
    assert say_and_code(error) == code
    err = capsys.readouterr().err
    assert err.startswith(f"ratelord: {said}")
    assert err.count("\n") == 1


def test_an_interruption_says_nothing(capsys):
    assert say_and_code(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""


def test_where_it_happened_is_shown_on_demand(capsys, monkeypatch):
    monkeypatch.setenv("RATELORD_DEBUG", "1")
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        say_and_code(error)
    assert "Traceback" in capsys.readouterr().err


def test_completion_is_installed_where_the_shell_looks(ratelord, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    ran = ratelord("completion", "fish", "--install")
    assert ran.code == 0
    assert "ratelord" in (tmp_path / ".config/fish/completions/ratelord.fish").read_text()


def test_somebody_without_a_name_can_ask(monkeypatch):
    from ratelord_core.cli import asker

    def nameless():
        raise OSError

    monkeypatch.setattr("getpass.getuser", nameless)
    assert asker.default_agent() == "cli:user"
    monkeypatch.setattr("getpass.getuser", lambda: "DOMAIN\\r max")
    assert asker.default_agent() == "cli:DOMAIN-r-max"


def test_a_field_that_the_daemon_told_of_is_not_told_twice(capsys):
    faults = [("agent_id", "is required"), ("scope_id", "is required")]
    told = ratelord.RequestRefused(
        "agent_id: is required", status=400, code="invalid_request", errors=faults
    )
    say_and_code(told)
    expected = "ratelord: agent_id: is required; scope_id: is required\n"
    assert capsys.readouterr().err == expected
