"""The auditor of the other tests finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

WINDOWS = {
    "fixed": {"kind": "fixed", "every": 60_000_000, "burst": None},
    "sliding": {"kind": "sliding", "every": 60_000_000, "burst": None},
    "bucket": {"kind": "bucket", "every": 60_000_000, "burst": None},
    "concurrency": {"kind": "concurrency", "every": None, "burst": None},
}


class Forger:
    """Writes logs that no daemon would."""

    def __init__(self, window: dict[str, Any], limit: int) -> None:
        self.events: list[dict[str, Any]] = []
        pool = {"provider_id": "a", "pool_id": "p", "limit": limit, "local": True, "window": window}
        self.write(0, "config_loaded", "", {"pools": [pool]})

    def write(self, second: float, kind: str, name: str, payload: dict[str, Any]) -> None:
        at = datetime.fromtimestamp(1_800_000_000 + second, UTC).isoformat()
        self.events.append(
            {
                "seq": len(self.events) + 1,
                "event_id": name,
                "event_type": kind,
                "ts_event": at,
                "correlation": {"correlation_id": name},
                "payload": payload,
            }
        )

    def decide(self, second: float, name: str, units: int, wait: int = 0, life: int = 10) -> None:
        line = {
            "pool": "a/p",
            "units": units,
            "lifetime": life * 1_000_000,
            "reset_in": round((60 - second % 60) * 1_000_000),
        }
        self.write(second, "intent_decided", name, {"holds": [line], "start": wait * 1_000_000})

    def report(self, second: float, name: str, units: int) -> None:
        self.write(second, "intent_reported", name, {"settled": [["a/p", units]]})


@pytest.fixture(params=list(WINDOWS))
def forger(request: pytest.FixtureRequest) -> Forger:
    return Forger(WINDOWS[request.param], 100)


def test_a_pool_that_is_just_used_up_is_in_order(forger: Forger, judge: Callable[..., Any]) -> None:
    forger.decide(1, "one", 60)
    forger.decide(2, "two", 40)
    forger.report(3, "one", 0)
    forger.decide(4, "three", 60)

    assert judge(forger.events).faults == []


@pytest.mark.promise("F-05")
def test_one_unit_too_many_is_found(forger: Forger, judge: Callable[..., Any]) -> None:
    forger.decide(1, "one", 60)
    forger.decide(2, "two", 41)

    assert "overdrawn by 1 of 100" in judge(forger.events).faults[0]


def test_a_promise_that_an_earlier_one_leaves_no_room_for_is_found(
    forger: Forger, judge: Callable[..., Any]
) -> None:
    forger.decide(1, "promised", 60, wait=5)
    forger.decide(2, "greedy", 60, life=20)

    assert "overdrawn by 20" in judge(forger.events).faults[0]


@pytest.mark.parametrize("kind", ["fixed", "sliding", "bucket"])
def test_what_was_used_or_expired_still_counts(kind: str, judge: Callable[..., Any]) -> None:
    forger = Forger(WINDOWS[kind], 100)
    forger.decide(1, "reported", 50)
    forger.report(2, "reported", 70)
    forger.decide(3, "expires", 30, life=1)
    forger.decide(5, "more", 10)

    assert len(judge(forger.events).faults) == 1


def test_a_window_out_of_rhythm_is_found(judge: Callable[..., Any]) -> None:
    forger = Forger(WINDOWS["fixed"], 100)
    forger.decide(1, "one", 1)
    forger.decide(2.5, "two", 1)
    forger.events[-1]["payload"]["holds"][0]["reset_in"] += 1

    assert "out of its rhythm" in judge(forger.events).faults[0]


def test_a_reset_that_is_due_is_no_fault(judge: Callable[..., Any]) -> None:
    forger = Forger(WINDOWS["fixed"], 100)
    forger.decide(1, "one", 1)
    forger.decide(2.5, "two", 1)
    forger.events[-1]["payload"]["holds"][0]["reset_in"] = 0

    assert judge(forger.events).faults == []


def test_gaps_and_second_decisions_are_found(judge: Callable[..., Any]) -> None:
    forger = Forger(WINDOWS["sliding"], 100)
    forger.decide(1, "one", 1)
    forger.decide(2, "one", 1)
    forger.events[-1]["seq"] += 1

    assert len(judge(forger.events).faults) == 2
