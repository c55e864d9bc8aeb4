"""What the core asks of a forecast model: incremental, serialisable, without a clock of its own.

Times are seconds since the epoch, given by the caller; they never go backwards.
"""

from __future__ import annotations

from typing import Any, Protocol

from ratelord_core.model.forecast import Forecast


class ForecastModel(Protocol):
    """The memory of one pool's demand, and what follows from it."""

    def observe(self, t: float, units: float) -> None:
        """So many units were asked for (or seen to be spent) at ``t``. A negative number takes
        back what was told before: the action cost less, or was cancelled."""
        ...

    def refused(self, t: float) -> None:
        """Somebody asked at ``t`` and was not let through: until somebody is again, or the window
        ends, zero usage is not zero demand."""
        ...

    def window(
        self, t: float, limit: float, used: float, reset_at: float | None, kind: str
    ) -> None:
        """The pool's window as known at ``t``: called at resets and when its shape changes; where
        nothing resets it, from time to time with what is ``used``, which is ``limit`` when it ran
        dry. ``reset_at`` of slots is when work that holds one now will have ended, about."""
        ...

    def widen(self, t: float, units: float) -> None:
        """Usage of that size was not foreseen (drift): be less sure."""
        ...

    def forecast(
        self,
        now: float,
        remaining: float,
        reset_at: float | None,
        extra_units: float = 0.0,
        staleness: float = 0.0,
    ) -> Forecast:
        """How long ``remaining - extra_units`` lasts. ``staleness`` (seconds without fresh data
        beyond what is normal) widens the answer."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything the model remembers, as plain JSON values."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that this model (same id, same version) gave."""
        ...


class ForecastModelFactory(Protocol):
    """Makes one kind of model."""

    model_id: str
    model_version: str

    def build(self, limit: float, window_seconds: float | None) -> ForecastModel:
        """A model that has seen nothing yet; ``window_seconds`` is the scale to think in."""
        ...
