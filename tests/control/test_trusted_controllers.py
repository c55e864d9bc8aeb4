"""A plugin's controller may do what it likes: its pool is paced evenly then."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ratelord_core.control import PaceParams, Reading
from ratelord_core.control.pacing import Paced

READING = Reading(t=30.0, limit=100.0, spent=40.0, room=60.0, window=60.0, left=30.0)
WINDOW = 60_000_000


class Moody:
    """Does what it is told to do, until one call goes wrong."""

    def __init__(self, mood: str, pace: float) -> None:
        self._mood, self._pace = mood, pace

    def _do(self, what: str) -> None:
        if self._mood == what:
            raise ZeroDivisionError(f"{what} went wrong")

    def update(self, reading: Reading) -> None:
        self._do("update")

    def alarmed(self, t: float, part: float) -> None:
        self._do("alarmed")

    def pace(self, reading: Reading) -> float:
        self._do("pace")
        return self._pace

    def state(self) -> list[Any]:
        self._do("state")
        return [self._pace]

    def restore(self, state: list[Any]) -> None:
        self._do("restore")
        [self._pace] = state


class MoodyFactory:
    name = "moody"
    params = PaceParams

    def __init__(self, mood: str = "", pace: float = 7.0) -> None:
        self.mood, self.answer = mood, pace

    def build(self, params: PaceParams) -> Moody:
        if self.mood == "build":
            raise ZeroDivisionError("build went wrong")
        return Moody(self.mood, self.answer)


def governed(mood: str = "", pace: float = 7.0) -> Any:
    """A governor of that controller."""
    return Paced(MoodyFactory(mood, pace), PaceParams(algorithm="moody")).governor(WINDOW)


def test_a_controller_that_works_is_believed() -> None:
    governor = governed()
    governor.tell(READING)
    assert governor.controller.pace(READING) == 7.0
    again = governed(pace=1.0)
    again.restore(governor.state())
    assert again.controller.pace(READING) == 7.0


@pytest.mark.parametrize("mood", ["build", "update", "alarmed", "pace", "state", "restore"])
def test_one_that_raises_is_named_once_and_its_pool_is_paced_evenly(
    mood: str, caplog: pytest.LogCaptureFixture
) -> None:
    governor = governed(mood)
    for _ in range(2):
        governor.tell(READING)
        governor.controller.alarmed(31.0, 0.5)
        governor.state()
        governor.restore(governed().state())
        assert governor.controller.pace(READING) == READING.even == 2.0
    (said,) = caplog.messages
    assert f"delay controller moody failed with ZeroDivisionError: {mood} went wrong" in said


@pytest.mark.parametrize("pace", [math.nan, -1.0, -math.inf, None, "7"])
@pytest.mark.usefixtures("caplog")
def test_a_pace_that_is_none_is_not_believed(pace: Any) -> None:
    assert governed(pace=pace).controller.pace(READING) == READING.even


def test_a_pace_of_nearly_nothing_is_nothing() -> None:
    assert governed(pace=1e-320).controller.pace(READING) == 0.0


@pytest.mark.usefixtures("caplog")
def test_a_mended_controller_begins_anew_after_a_start() -> None:
    failed = governed("update")
    failed.tell(READING)
    mended = governed(pace=3.0)
    mended.restore(failed.state())
    assert mended.controller.pace(READING) == 3.0
