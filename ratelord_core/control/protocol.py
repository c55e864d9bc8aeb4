"""What the core asks of a delay controller: how many units a second may start.

A controller has no clock and no chance of its own. What it remembers follows from what it was told,
so a replay of the same tellings gives the same controller.
"""

from __future__ import annotations

from typing import Annotated, Any, Protocol, TypeVar

import msgspec

Percent = Annotated[float, msgspec.Meta(ge=0, lt=100)]
_DAY = 86_400


class PaceParams(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may say of every controller.

    ``reserve_percent`` of the limit are left alone; ``hold_back`` is for how many standard
    deviations of the use that others make of the pool, beside what they are expected to use;
    ``jitter_max_seconds`` spreads starts; ``fair`` gives agents turns by their weights.
    """

    algorithm: str
    reserve_percent: Percent = 0.0
    hold_back: Annotated[float, msgspec.Meta(ge=0, le=10)] = 2.0
    jitter_max_seconds: Annotated[float, msgspec.Meta(ge=0, le=_DAY)] = 0.0
    fair: bool = True
    reason: str = ""


class Reading(msgspec.Struct, frozen=True, gc=False):
    """A pool at the instant ``t``, as a controller sees it: units, and seconds.

    ``spent`` is used or held; ``room`` what may still start before the reset, promised or not, less
    what is kept for others. ``left`` is the time to the reset, ``window`` its length; a pool that
    ``renews`` (sliding windows, buckets) has no reset: there both are its length. ``risk`` (that
    it runs dry before the reset) and ``demand`` (units that will be asked for until then) are known
    when somebody asks, not when something is told.
    """

    t: float
    limit: float
    spent: float
    room: float
    window: float
    left: float
    renews: bool = False
    risk: float = 1.0
    demand: float = 0.0

    @property
    def even(self) -> float:
        """The pace at which what is left would just last until the reset."""
        if self.renews:
            return (self.limit + max(0.0, self.room)) / self.window
        return max(0.0, self.room) / self.left if self.left > 0.0 else float("inf")

    @property
    def usual(self) -> float:
        """The pace that uses up one limit a window."""
        return self.limit / self.window

    @property
    def elapsed(self) -> float:
        """How much of the window is over, 0 … 1."""
        return 1.0 - self.left / self.window

    @property
    def burnt(self) -> float:
        """How much of the limit is used or held; 1 = all of it."""
        return self.spent / self.limit


class DelayController(Protocol):
    """The memory of one governed pool, and what pace follows from it."""

    def update(self, reading: Reading) -> None:
        """How the pool stands now: told when something was held, settled, observed or reset, at
        most once in a 256th of the window."""
        ...

    def alarmed(self, t: float, part: float) -> None:
        """The provider refused (``part`` 1), or counted use that nobody had told us of: so much of
        the limit."""
        ...

    def pace(self, reading: Reading) -> float:
        """Units a second that may start from now on; ``inf``: whoever asks need not wait. Changes
        nothing."""
        ...

    def state(self) -> list[Any]:
        """Everything the controller remembers, as plain JSON values."""
        ...

    def restore(self, state: list[Any]) -> None:
        """Continue from a state."""
        ...


Params_contra = TypeVar("Params_contra", bound=PaceParams, contravariant=True)


class ControllerFactory(Protocol[Params_contra]):
    """Makes one kind of controller; ``name`` is what rules write as ``algorithm``."""

    name: str
    params: type[PaceParams]
    """A frozen struct that extends ``PaceParams``: its fields are the gains that rules may set,
    checked when a policy is loaded."""

    def build(self, params: Params_contra) -> DelayController:
        """A controller that has seen nothing yet."""
        ...
