"""The action that makes askers wait: shape, also called delay.

- ``fixed``: ``wait_seconds``.
- ``linear``: with u the used, held and asked part of the pool's limit (at most 1),
  ``factor`` × (u - above) / (1 - above) seconds, nothing up to ``above``.
- ``dynamic``: an intent of n units, with r left in the pool, would have to be spaced n/r of the
  time to the reset for the rest to last, and is spaced n/r of the time to exhaustion at the present
  pace. What is missing, ``gain`` × p × n/r × (time to reset - P90 time to exhaustion), is the wait,
  where p is the probability that the pool runs dry before its reset.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec

from ratelord_actions.spans import Seconds
from ratelord_core.model.ids import pool_key
from ratelord_core.model.instant import from_seconds
from ratelord_core.policy.action import Effect, Instead, Named, Wait
from ratelord_core.policy.situation import Situation


class ShapeParams(msgspec.Struct, frozen=True):
    """``algorithm`` says how the wait is found: ``fixed`` takes ``wait_seconds``, ``linear`` a
    ``factor`` (seconds when full) and ``above``, ``dynamic`` a ``gain``. ``pool`` is the one that
    is looked at, else the policy's or the tightest; no wait is longer than ``max_seconds``."""

    wait_seconds: Seconds | None = None
    algorithm: Literal["fixed", "linear", "dynamic"] = "fixed"
    factor: Seconds | None = None
    above: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    gain: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 1.0
    max_seconds: Seconds | None = None
    pool: str | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        needed = {"fixed": "wait_seconds", "linear": "factor"}.get(self.algorithm)
        if needed and getattr(self, needed) is None:
            raise ValueError(f"algorithm '{self.algorithm}' needs the parameter '{needed}'")
        own = {"fixed": "wait_seconds", "linear": "factor above pool", "dynamic": "gain pool"}
        given = {
            "wait_seconds": self.wait_seconds is not None,
            "factor": self.factor is not None,
            "above": self.above != 0.0,
            "gain": self.gain != 1.0,
            "pool": self.pool is not None,
        }
        for name, said in given.items():
            if said and name not in own[self.algorithm].split():
                raise ValueError(f"algorithm '{self.algorithm}' has no parameter '{name}'")


class ShapeAction:
    """Makes the asker wait; known as ``delay`` and as ``shape``."""

    params: type[msgspec.Struct] = ShapeParams

    def __init__(self, name: str) -> None:
        self.name = name

    def apply(self, params: ShapeParams, situation: Situation) -> Effect:
        seconds = params.wait_seconds or 0.0
        if params.algorithm != "fixed":
            key = params.pool or situation.tightest
            key = None if key is None else key if "/" in key else pool_key("local", key)
            seconds = 0.0 if key is None else _SECONDS[params.algorithm](params, situation, key)
        longest = math.inf if params.max_seconds is None else params.max_seconds
        span = from_seconds(min(seconds, longest))
        if not span and params.algorithm != "fixed":
            return Instead((), reason=params.reason)
        return Wait(span, params.reason)

    def names(self, params: ShapeParams) -> tuple[Named, ...]:
        """The pool that is looked at."""
        return () if params.pool is None else (Named("pool", "pool", params.pool),)


def _linear(params: ShapeParams, situation: Situation, key: str) -> float:
    pool = situation.pool(key)
    if pool.limit is None:
        return 0.0
    taken = pool.used + pool.held + situation.units(key)
    part = min(1.0, taken / pool.limit) if pool.limit else 1.0
    return (params.factor or 0.0) * max(0.0, part - params.above) / (1.0 - params.above)


_USUAL_SECONDS = 60.0
"""The longest dynamic wait unless the rule says another."""


def _dynamic(params: ShapeParams, situation: Situation, key: str) -> float:
    pool, outlook = situation.pool(key), situation.outlook(key)
    longest = _USUAL_SECONDS if params.max_seconds is None else params.max_seconds
    danger = params.gain * outlook.p_exhaustion
    if not danger or math.isinf(outlook.ttr):
        return min(longest, danger * longest)
    short = max(0.0, outlook.ttr - outlook.tte_p90)
    units = situation.units(key)
    if not short or not units:
        return 0.0
    return min(longest, danger * short * units / max(1, pool.available))


_SECONDS = {"linear": _linear, "dynamic": _dynamic}
