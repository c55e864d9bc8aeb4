"""A controller that probes: a little faster while all is well, much slower when it is not."""

from __future__ import annotations

from math import inf
from typing import Annotated, Any, Final

import msgspec

from ratelord_core.control import PaceParams, Reading

_LEAST: Final = 0.5
_MOST: Final = 2.0
_STEPS: Final = 50
"""Steps up in a window, at most."""
_AHEAD: Final = 0.02
"""Use so far ahead of its line (as a part of the limit) is a congestion."""
_PAUSE: Final = 0.05
"""Two steps down are at least so far apart, in windows: the first must be felt before."""


class AimdParams(PaceParams, frozen=True, kw_only=True):
    """``increase`` is added to the pace, as a part of the usual one, fifty times a window;
    ``decrease`` is what it is multiplied by when use runs ahead of its line, and when the provider
    refuses or counts more than was known."""

    increase: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.02
    decrease: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.8
    free_below: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.05


class Aimd:
    """Additive increase, multiplicative decrease, around the usual pace."""

    def __init__(self, params: AimdParams) -> None:
        self._params = params
        self._pace = 1.0
        self._up = self._down = -inf

    def update(self, reading: Reading) -> None:
        """Step up, or down."""
        t, window = reading.t, reading.window
        if not reading.renews and reading.burnt > reading.elapsed + _AHEAD:
            if t - self._down >= _PAUSE * window:
                self._cut(t)
        elif (
            reading.renews or reading.burnt <= reading.elapsed
        ) and t - self._up >= window / _STEPS:
            self._up = t
            self._pace = min(_MOST, self._pace + self._params.increase)

    def alarmed(self, t: float, part: float) -> None:
        """Step down."""
        self._cut(t)

    def _cut(self, t: float) -> None:
        self._down = t
        self._pace = max(_LEAST, self._pace * self._params.decrease)

    def pace(self, reading: Reading) -> float:
        if reading.risk < self._params.free_below:
            return inf
        return reading.even * self._pace

    def state(self) -> list[Any]:
        """Everything remembered, as plain JSON values."""
        return [self._pace, *(None if t == -inf else t for t in (self._up, self._down))]

    def restore(self, state: list[Any]) -> None:
        """Continue from a state."""
        self._pace, up, down = state
        self._up, self._down = (-inf if t is None else t for t in (up, down))


class AimdFactory:
    """Makes ``aimd`` controllers."""

    name = "aimd"
    params: type[PaceParams] = AimdParams

    def build(self, params: AimdParams) -> Aimd:
        """A controller of these gains."""
        return Aimd(params)
