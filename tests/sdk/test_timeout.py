"""How long an answer is waited for: as said to the client, else by the environment, else five
seconds. A wait that an answer asks for is no part of that."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord import AsyncClient, Client, DaemonUnreachable
from ratelord.connection import DEFAULT_TIMEOUT, LONGEST_TIMEOUT, patience

FOUR = ("crawler-01", "pat:rmax", "repo_scan", "repo:acme/api")
NO_TIMES = ("0", "-1", "-0.0", "nan", "inf", "-inf", "soon", "5s", "1e9", "3600.001", "0x10", " ")


class Times:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("said", NO_TIMES)
def test_what_is_no_time_is_refused_in_one_line_with_the_next_step(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATELORD_TIMEOUT", said)
    for client in (Client, AsyncClient):
        with pytest.raises(ValueError, match="write seconds above 0") as refused:
            client()
        assert str(refused.value).startswith(f"RATELORD_TIMEOUT {said!r} is no time")
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("said", [0, -1, float("nan"), float("inf"), 10**400])
def test_an_argument_that_is_no_time_is_refused_by_its_own_name(said: float) -> None:
    for client in (Client, AsyncClient):
        with pytest.raises(ValueError, match=r"^timeout '.{1,40}' is no time"):
            client(timeout=said)


def test_a_huge_word_is_not_repeated_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATELORD_TIMEOUT", "9" * 100_000)

    with pytest.raises(ValueError, match="RATELORD_TIMEOUT") as refused:
        patience()

    assert len(str(refused.value)) < 200


def test_arguments_come_first_then_the_environment_then_five_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert patience() == DEFAULT_TIMEOUT == 5.0
    monkeypatch.setenv("RATELORD_TIMEOUT", "")
    assert patience() == DEFAULT_TIMEOUT
    monkeypatch.setenv("RATELORD_TIMEOUT", "0.25")
    assert patience() == 0.25
    assert patience(LONGEST_TIMEOUT) == LONGEST_TIMEOUT


def test_an_answer_that_takes_longer_than_the_environment_says_is_none(
    daemon: Any, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.answers(answer(body={"status": "ok"}, after=0.5))
    monkeypatch.setenv("RATELORD_TIMEOUT", "0.1")

    with Client(daemon.url) as client, pytest.raises(DaemonUnreachable, match="RATELORD_TIMEOUT"):
        client.health()
    with Client(daemon.url, timeout=60) as client:
        assert client.health() == {"status": "ok"}
    monkeypatch.setenv("RATELORD_TIMEOUT", "60")
    with Client(daemon.url) as client:
        assert client.health() == {"status": "ok"}


def test_a_wait_that_an_answer_asks_for_is_not_cut_off(
    daemon: Any, answer: Any, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATELORD_TIMEOUT", "60")
    waiting = wire("wait") | {"modifications": {"wait_seconds": 3000.0}}
    daemon.answers(answer(body=waiting), answer(body=wire("settled")))
    times = Times()
    client = Client(daemon.url, sleep=times.sleep, monotonic=times.monotonic)

    with client, client.guard(*FOUR, max_wait=3600) as permit:
        assert permit.decision.allowed
        assert times.now == 3000.0

    assert permit.settlement is not None
    assert daemon.asked[0].body["max_wait_seconds"] == 3600
