"""``RATELORD_TIMEOUT``: how many seconds an answer may take, for every verb that asks a daemon."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord.connection import DEFAULT_TIMEOUT
from ratelord_core.testing.raw_server import RawServer, silent


def test_a_daemon_that_says_nothing_is_left_when_the_variable_says(
    ratelord: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(silent) as nobody:
        monkeypatch.setenv("RATELORD_URL", nobody.url)
        monkeypatch.setenv("RATELORD_TIMEOUT", "0.1")

        looked, asked = (
            ratelord("pools"),
            ratelord("ask", "scan", "--agent", "a", "--identity", "i"),
        )

    assert (looked.code, asked.code) == (4, 4)
    assert "set RATELORD_TIMEOUT higher" in looked.err
    assert len(looked.err.splitlines()) == 1


@pytest.mark.parametrize("said", ["0", "-3", "nan", "inf", "soon", "1e300"])
def test_what_is_no_time_is_one_line_and_nothing_is_asked(
    said: str, ratelord: Any, here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.answers()
    monkeypatch.setenv("RATELORD_TIMEOUT", said)

    done = ratelord("status")

    assert done.code == 2
    assert done.err == (
        f"ratelord: RATELORD_TIMEOUT {said!r} is no time to wait for the daemon; "
        "write seconds above 0 and at most 3600, like 5\n"
    )
    assert here.asked == []


def test_what_takes_long_by_nature_has_longer_than_the_variable_says(
    ratelord: Any, here: Any, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.answers(answer(body={"seq": 7, "bytes": 1}, after=0.3))
    monkeypatch.setenv("RATELORD_TIMEOUT", "0.1")

    assert ratelord("admin", "snapshot").code == 0


def test_it_is_shown_among_the_settings_and_in_every_help(
    ratelord: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def row() -> dict[str, Any]:
        rows = ratelord("config", "show", "--json").json
        return next(row for row in rows if row["variable"] == "RATELORD_TIMEOUT")

    assert (row()["value"], row()["from"]) == (DEFAULT_TIMEOUT, "default")
    monkeypatch.setenv("RATELORD_TIMEOUT", "12")
    assert (row()["value"], row()["from"]) == ("12", "environment")
    for words in ((), ("ask",), ("mcp",), ("mcp", "wrap"), ("hook", "pre-tool-use"), ("proxy",)):
        said = " ".join(ratelord(*words, "--help").out.split())
        assert "RATELORD_TIMEOUT how many seconds an answer may take" in said, words
