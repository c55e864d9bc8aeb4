"""The action ``brownout``: turns away a part that grows with the risk, by seeded chance."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ratelord_core.model.instant import from_seconds
from ratelord_core.policy.action import Deny, Effect, Warn
from ratelord_core.policy.situation import Situation

_FINE = 1_000_000
"""Steps into which chance is divided."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class BrownoutParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nobody is turned away at the risk ``from_risk`` (a probability of exhaustion before the
    reset), everybody at ``to_risk``."""

    from_risk: Share = 0.3
    to_risk: Share = 0.9
    retry_after_seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 30.0

    def __post_init__(self) -> None:
        if self.from_risk >= self.to_risk:
            raise ValueError(f"from_risk {self.from_risk:g} must be below to_risk {self.to_risk:g}")


class BrownoutAction:
    """Random early refusal: load falls as the danger grows, instead of all at once."""

    name = "brownout"
    params: type[msgspec.Struct] = BrownoutParams

    def apply(self, params: BrownoutParams, situation: Situation) -> Effect:
        """A refusal for so large a part of those who ask; a word for the others."""
        pool = situation.tightest
        risk = situation.outlook(pool).p_exhaustion if pool is not None else 0.0
        part = (risk - params.from_risk) / (params.to_risk - params.from_risk)
        if part <= 0.0:
            return Warn(f"not thinned out at a risk of {risk:.0%}")
        if situation.jitter(_FINE) < part * _FINE:
            reason = f"thinned out: {pool} runs dry with a probability of {risk:.0%}"
            return Deny(reason, from_seconds(params.retry_after_seconds))
        return Warn(f"{min(part, 1.0):.0%} of requests like this are turned away now")
