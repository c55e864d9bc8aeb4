"""A forecast comes with its track record, in a few figures."""

from __future__ import annotations

from ratelord_core.forecast import TrackRecord
from ratelord_mcp.tools.forecast import score_of


def test_before_any_forecast_came_to_its_end_there_is_no_score() -> None:
    assert score_of(None) is None


def test_a_score_is_told_in_a_few_figures() -> None:
    record = TrackRecord()
    for lasted in (5.0, 90.0, 90.0, 90.0):
        record.settle(0.25, (40.0, 10.0, 1.0), 60.0, lasted, 60.0)

    assert score_of(record.score()) == {
        "forecasts": 4,
        "brier": 0.188,
        "calibration_error": 0.0,
        "p90_held": 0.75,
    }
