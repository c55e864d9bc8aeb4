"""A forecast in whole numbers."""

from __future__ import annotations

from ratelord_core.forecast import forecast_computed, risk
from ratelord_core.model.decision import Risk
from ratelord_core.model.forecast import Forecast

SAID = Forecast(
    tte_p50=12.3459,
    tte_p90=4.0,
    tte_p99=0.0009,
    p_exhaustion=0.1234567,
    ttr=60.0,
    model_id="m",
    model_version="3",
)


def test_bounds_are_rounded_down_and_probabilities_to_millionths() -> None:
    assert risk("gh/core", SAID) == Risk("gh/core", 123457, 12345, 4000, 0, 60000)


def test_what_lies_beyond_the_reset_is_none() -> None:
    assert risk("gh/core", Forecast()) == Risk("gh/core", 0, None, None, None, None)
    assert risk("gh/core", Forecast(tte_p50=1e300)).tte_p50 is None


def test_the_event_carries_the_same_numbers() -> None:
    told, expected = forecast_computed("gh/core", SAID, "warn"), risk("gh/core", SAID)
    assert told.pool == expected.pool
    assert told.p_exhaustion == expected.p_exhaustion
    assert (told.tte_p50, told.tte_p90, told.tte_p99, told.ttr) == (
        expected.tte_p50,
        expected.tte_p90,
        expected.tte_p99,
        expected.ttr,
    )
    assert (told.model_id, told.model_version, told.risk_level) == ("m", "3", "warn")
