"""A controller that looks ahead and remembers nothing: what is left ÷ the time that is left."""

from __future__ import annotations

from math import inf
from typing import Annotated, Any

import msgspec

from ratelord_core.control import PaceParams, Reading

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

_NOTHING_TO_FEAR = 0.05
"""A risk below this holds nobody up."""
_LIKELY = 0.5
"""From this risk on what is left is given out evenly: whoever goes faster takes from later."""


class AheadParams(PaceParams, frozen=True, kw_only=True):
    """``free_below`` is the risk of running dry below which nobody waits; ``demand`` says whether
    the forecast may loosen the pace at all."""

    free_below: Share = _NOTHING_TO_FEAR
    demand: bool = True


class Pace:
    """What is left ÷ the time to the reset, fed forward: just that where the pool is likelier than
    not to run dry, faster the less likely it is, and without a wait where it hardly will.

    What is left follows from the ledger, so use above or below expectation, drift and refunds
    change the pace of the very next start.
    """

    def __init__(self, params: AheadParams) -> None:
        self._params = params

    def update(self, reading: Reading) -> None:
        """Nothing follows from it."""

    def alarmed(self, t: float, part: float) -> None:
        """What is left tells it all."""

    def state(self) -> list[Any]:
        """Nothing."""
        return []

    def restore(self, state: list[Any]) -> None:
        """Nothing to continue from."""

    def pace(self, reading: Reading) -> float:
        even = reading.even
        if not self._params.demand:
            return even
        risk = reading.risk
        if risk <= 0.0 or risk < self._params.free_below:
            return inf
        return even * max(1.0, _LIKELY / risk)


class PaceFactory:
    """Makes ``pace`` controllers."""

    name = "pace"
    params: type[PaceParams] = AheadParams

    def build(self, params: AheadParams) -> Pace:
        """A controller of these gains."""
        return Pace(params)
