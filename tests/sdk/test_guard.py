"""A guard asks, waits, lets the body act, and reports what became of it."""

from __future__ import annotations

import logging

import pytest

from ratelord import Client, Denied

FOUR = ("crawler-01", "pat:rmax", "repo_scan", "repo:acme/api")


def nothing(seconds: float) -> None:
    del seconds


def test_a_body_that_ends_is_reported_with_its_cost(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve")), answer(body=wire("settled")))
    with Client(daemon.url, timeout=60) as client, client.guard(*FOUR) as permit:
        permit.actual_cost = 3
        permit.headers = {"X-RateLimit-Remaining": "7", "Set-Cookie": "secret"}
    assert daemon.asked[1].target == f"/v1/intents/{wire('approve')['intent_id']}/report"
    assert daemon.asked[1].body == {
        "outcome": "success",
        "actual_cost": 3,
        "headers": {"X-RateLimit-Remaining": "7"},
    }
    assert permit.settlement.settled[0].settled == 3


def test_a_body_that_raises_is_reported_as_an_error_and_goes_on_raising(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve")), answer(body=wire("settled")))
    with (
        Client(daemon.url, timeout=60) as client,
        pytest.raises(ZeroDivisionError),
        client.guard(*FOUR),
    ):
        _ = 1 / 0
    assert daemon.asked[1].body == {"outcome": "error"}


def test_a_body_can_say_that_nothing_was_spent(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve")), answer(body=wire("settled")))
    with Client(daemon.url, timeout=60) as client, client.guard(*FOUR) as permit:
        permit.cancel()
    assert daemon.asked[1].body == {"outcome": "cancelled"}


def test_a_body_can_say_that_the_provider_refused(daemon, wire, answer):
    daemon.answers(answer(body=wire("approve")), answer(body=wire("settled")))
    with Client(daemon.url, timeout=60) as client, client.guard(*FOUR) as permit:
        permit.rate_limited()
    assert daemon.asked[1].body == {"outcome": "rate_limited"}


def test_a_denied_body_does_not_run_and_nothing_is_reported(daemon, wire, answer):
    daemon.answers(answer(body=wire("deny")))
    with (
        Client(daemon.url, timeout=60) as client,
        pytest.raises(Denied) as denied,
        client.guard(*FOUR),
    ):
        pytest.fail("it ran")
    assert denied.value.decision.reason_code == "pool_exhausted"
    assert denied.value.retry_after == 30
    assert len(daemon.asked) == 1


def test_it_waits_even_if_the_client_does_not(daemon, wire, answer):
    daemon.answers(answer(body=wire("wait")), answer(body=wire("settled")))
    naps: list[float] = []
    with Client(daemon.url, auto_wait=False, sleep=naps.append) as client, client.guard(*FOUR):
        assert naps == [2.5]


def test_a_report_that_fails_spoils_nothing_but_is_logged(daemon, wire, answer, caplog):
    daemon.answers(answer(body=wire("approve")), answer(status=409, body={"detail": "no"}))
    with (
        caplog.at_level(logging.WARNING, "ratelord"),
        Client(daemon.url, timeout=60) as client,
        client.guard(*FOUR) as permit,
    ):
        pass
    assert permit.settlement is None
    assert wire("approve")["intent_id"] in caplog.text


def test_an_approval_without_a_daemon_is_not_reported(daemon, answer):
    daemon.answers(answer(status=500))
    with Client(daemon.url, on_unreachable="allow", sleep=nothing) as client:
        asked = 0
        with client.guard(*FOUR) as permit:
            asked = len(daemon.asked)
            assert permit.decision.synthetic
    assert len(daemon.asked) == asked
