"""An account turns degraded, then open, and healthy again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.watch.circuit import STATES, Circuit

kinds = st.sampled_from(["timeout", "unauthorized", "server_error", "plugin"])


def failed(times: int, kind: str = "timeout", circuit: Circuit | None = None) -> Circuit:
    circuit = circuit or Circuit()
    for _ in range(times):
        circuit = circuit.failed(kind)
    return circuit


def test_a_success_makes_healthy() -> None:
    assert Circuit().succeeded().state == "healthy"


def test_a_failure_degrades_and_the_fifth_in_a_row_opens() -> None:
    assert [failed(times).state for times in (1, 4, 5, 6)] == [
        "degraded",
        "degraded",
        "open",
        "open",
    ]


def test_a_success_in_between_starts_the_row_anew() -> None:
    assert failed(4, circuit=failed(4).succeeded()).state == "degraded"


def test_the_probe_of_an_open_circuit_closes_it_or_leaves_it_open() -> None:
    opened = failed(5)
    assert opened.succeeded().state == "healthy"
    assert opened.failed("timeout").state == "open"


def test_a_circuit_restored_open_stays_open_after_one_more_failure() -> None:
    assert Circuit("open", 1).failed("timeout").state == "open"


def test_the_third_refusal_in_a_row_makes_the_credential_suspect_once() -> None:
    suspect = [failed(times, "unauthorized").credential_suspect for times in range(1, 6)]
    assert suspect == [False, False, True, False, False]


def test_another_failure_in_between_ends_the_row_of_refusals() -> None:
    assert not failed(
        2, "unauthorized", failed(1, "timeout", failed(2, "unauthorized"))
    ).credential_suspect


@given(st.lists(st.none() | kinds, max_size=30))
def test_whatever_happens_the_state_follows_from_the_failures_since_the_last_success(row) -> None:
    circuit = Circuit()
    for outcome in row:
        circuit = circuit.succeeded() if outcome is None else circuit.failed(outcome)
    since = len(row) - max((i + 1 for i, outcome in enumerate(row) if outcome is None), default=0)
    expected = "healthy" if None in row else "initializing"
    if since:
        expected = "open" if since >= 5 else "degraded"
    assert (circuit.state, circuit.failures) == (expected, since)
    assert circuit.state in STATES
