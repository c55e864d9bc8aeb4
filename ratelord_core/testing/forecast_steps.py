"""What may happen to a forecast model, at random: the steps that its contracts play to it."""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

GAPS: Final = st.sampled_from((0.0, 0.0, 0.001, 0.5, 3.0, 60.0, 900.0, 1e6))
UNITS: Final = st.sampled_from((0.0, 1.0, 1.0, 7.0, 250.0, 5000.0))
TOLD: Final = UNITS | st.sampled_from((-1.0, -7.0, -5000.0))
LEFT: Final = st.sampled_from((0.0, 0.5, 1.0, 3.0, 40.0, 999.0, 1e6))
STEPS: Final = st.lists(
    st.tuples(st.sampled_from(("observe", "observe", "window", "widen", "refused")), GAPS, TOLD),
    max_size=30,
)
PROPERTY: Final = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.differing_executors,
    ],
)
