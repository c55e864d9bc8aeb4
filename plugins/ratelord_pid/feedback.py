"""A controller that closes the loop: proportional, integral, derivative, on how much is used."""

from __future__ import annotations

from math import inf
from typing import Annotated, Any, Final

import msgspec
from simple_pid import PID

from ratelord_core.control import PaceParams, Reading

Gain = Annotated[float, msgspec.Meta(ge=0, le=10_000)]

_SLOWEST: Final = -0.5
"""What the output may take away from the usual pace, as a part of it …"""
_FASTEST: Final = 1.0
"""… and what it may add."""


class PidParams(PaceParams, frozen=True, kw_only=True):
    """Gains on the distance of what is used from its even line, both as parts of the limit, with
    time counted in windows: ``kp`` 8 doubles the pace at an eighth below the line."""

    kp: Gain = 8.0
    ki: Gain = 80.0
    kd: Gain = 0.0
    free_below: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.05


class Pid:
    """Use is to follow a straight line from nothing at the start of the window to all of it at the
    end. The output multiplies the usual pace.

    The integral is kept within what the output may be, so it cannot wind up while demand is low;
    the derivative is that of what is used, so that the line's jump back at a reset kicks nobody.
    """

    def __init__(self, params: PidParams) -> None:
        self._params = params
        self._pid = PID(
            params.kp,
            params.ki,
            params.kd,
            sample_time=None,
            output_limits=(_SLOWEST, _FASTEST),
            differential_on_measurement=True,
            time_fn=_no_clock,
        )
        self._last: float | None = None
        self._output = 0.0
        self._seen: float | None = None

    def update(self, reading: Reading) -> None:
        """Look at how far use is from its line."""
        last, self._last = self._last, reading.t
        span = 0.0 if last is None else (reading.t - last) / reading.window
        if span <= 0.0 or reading.left >= reading.window * (1.0 - span):
            self._begin(reading)
            return
        self._pid.setpoint = reading.elapsed
        self._seen = reading.burnt
        self._output = self._pid(reading.burnt, dt=span) or 0.0

    def _begin(self, reading: Reading) -> None:
        """A window began: what is used starts from nothing again, what was learnt stays."""
        integral = self._pid.components[1]
        self._seen = None
        self._pid.set_auto_mode(False)
        self._pid.set_auto_mode(True, last_output=integral)
        self._pid.setpoint = reading.elapsed

    def alarmed(self, t: float, part: float) -> None:
        """Forget what the integral had added: it rested on numbers that were wrong."""
        kept = min(0.0, self._pid.components[1])
        self._seen = None
        self._pid.set_auto_mode(False)
        self._pid.set_auto_mode(True, last_output=kept)

    def pace(self, reading: Reading) -> float:
        if reading.risk < self._params.free_below:
            return inf
        return reading.even * (1.0 + self._output)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and snapshots hold what is remembered, not the library's object."""
        return Pid, (self._params,), self.state()

    def __setstate__(self, state: list[Any]) -> None:
        self.restore(state)

    def state(self) -> list[Any]:
        """Everything remembered, as plain JSON values."""
        return [self._last, self._output, self._pid.components[1], self._seen]

    def restore(self, state: list[Any]) -> None:
        """Continue from a state."""
        self._last, self._output, integral, self._seen = state
        self._pid.set_auto_mode(False)
        self._pid.set_auto_mode(True, last_output=integral)
        if self._seen is not None:  # without an error only what was seen changes
            self._pid.setpoint = self._seen
            self._pid(self._seen, dt=1.0)


def _no_clock() -> float:
    """Time is told with every reading."""
    return 0.0


class PidFactory:
    """Makes ``pid`` controllers."""

    name = "pid"
    params: type[PaceParams] = PidParams

    def build(self, params: PidParams) -> Pid:
        """A controller of these gains."""
        return Pid(params)
