"""Holds what was said along a course against what came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

import msgspec

from ratelord_core.backtest.course import Chance
from ratelord_core.backtest.imposed import Imposed
from ratelord_core.backtest.running import Settled, Timing
from ratelord_core.errors import InvalidRequest
from ratelord_core.forecast import TrackRecord
from ratelord_core.forecast.track import BINS, calibration_error
from ratelord_core.model.forecast import Score

_DRAWS: Final = 200


Part = tuple[Imposed, list[Settled], Timing]
"""What a model said along one course."""


class Verdict(msgspec.Struct, frozen=True):
    """A model's scores on one pool, or on several.

    ``perfect_calibration_error`` is what a perfectly calibrated model with these very forecasts
    would show on that many windows: nothing below it can be told from luck. ``skill_over_linear``
    is the gain in Brier score over that model, on the same. ``capacities`` are the pools' sizes,
    one for each way in which the windows were laid. Times are medians in µs.
    """

    pool: str
    model: str
    score: Score
    perfect_calibration_error: float
    skill_over_linear: float | None
    observe_us: float
    forecast_us: float
    reliability: tuple[tuple[int, float, float], ...] = ()
    capacities: tuple[float, ...] = ()


def verdict(
    pool: str,
    model: str,
    parts: Sequence[Part],
    chance: Chance,
    against: float | None = None,
) -> Verdict:
    """The verdict on what a model said along courses; ``against`` is the Brier score of ``linear``
    on the same."""
    record = TrackRecord()
    risks: list[tuple[int, float]] = []
    for laid, settled, _ in parts:
        window = laid.window
        _count(record, settled, window)
        risks += ((int(s.origin.t // window), s.said.p_exhaustion) for s in settled)
    score = record.score()
    if score is None:
        raise InvalidRequest(
            f"no forecast of {model} on {pool} could be settled: the pool is empty whenever it is "
            "looked at; name a larger --capacity, or give a longer trace"
        )
    return Verdict(
        pool=pool,
        model=model,
        score=score,
        perfect_calibration_error=_perfect(risks, chance),
        skill_over_linear=1.0 - score.brier / against if against else None,
        observe_us=_middle(n for _, _, timing in parts for n in timing.told),
        forecast_us=_middle(n for _, _, timing in parts for n in timing.asked),
        reliability=tuple((each.number, each.said, each.seen) for each in record.bins()),
        capacities=tuple(laid.capacity for laid, _, _ in parts),
    )


def _count(record: TrackRecord, settled: list[Settled], window: float) -> None:
    for origin, said in settled:
        bounds = (said.tte_p50, said.tte_p90, said.tte_p99)
        horizon = origin.reset_at - origin.t
        record.settle(said.p_exhaustion, bounds, horizon, origin.lasts, window)
    record.windows += len({origin.reset_at for origin, _ in settled})


def _perfect(risks: list[tuple[int, float]], chance: Chance) -> float:
    """Mean calibration error if every window came out as said, all its forecasts together."""
    windows = sorted({window for window, _ in risks})
    places = {window: place for place, window in enumerate(windows)}
    rows = [(places[window], risk, min(BINS - 1, int(risk * BINS))) for window, risk in risks]
    said = [0.0] * BINS
    for _, risk, place in rows:
        said[place] += risk
    total = 0.0
    for _ in range(_DRAWS):
        fate = [chance.random() for _ in windows]
        seen = [0.0] * BINS
        for window, risk, place in rows:
            seen[place] += fate[window] < risk
        total += calibration_error(said, seen, len(rows))
    return total / _DRAWS


def _middle(nanoseconds: Iterable[int]) -> float:
    found = list(nanoseconds)
    return median(found) / 1000.0 if found else 0.0
