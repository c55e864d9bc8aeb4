"""Actions that let an intent through another way: switch, route, switch_protocol, degrade,
limit_cost, cost_efficiency."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from ratelord_core.model.ids import ID_PATTERN, pool_key
from ratelord_core.model.pool import MAX_UNITS
from ratelord_core.policy.action import Effect, Instead, Named, Way
from ratelord_core.policy.situation import Situation

Name = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]
Weight = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


class SwitchParams(msgspec.Struct, frozen=True):
    """``to`` are identities; which of them may be used is checked for each intent."""

    to: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=8)]
    reason: str = ""


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to go instead: a provider, a pool of it, a model; at least one of them."""

    provider: Name | None = None
    pool: Name | None = None
    model: Name | None = None
    weight: Weight = 1.0

    def __post_init__(self) -> None:
        if self.provider is None and self.pool is None and self.model is None:
            raise ValueError("a target names a provider, a pool or a model")

    def way(self) -> Way:
        """The target as the engine weighs it."""
        return Way(
            "route",
            provider_id=self.provider,
            pool_id=self.pool,
            model=self.model,
            weight=self.weight,
        )


Targets = Annotated[tuple[Target, ...], msgspec.Meta(min_length=1, max_length=8)]


class RouteParams(msgspec.Struct, frozen=True):
    """``by`` says which target: the most headroom, the least cost, by chance in proportion to the
    weights, or the first in order."""

    to: Targets
    by: Literal["headroom", "cost", "weight", "order"] = "headroom"
    reason: str = ""


class SwitchProtocolParams(msgspec.Struct, frozen=True):
    """``to`` is a protocol for which the workload declares a substitute."""

    to: Name
    reason: str = ""


class DegradeParams(msgspec.Struct, frozen=True):
    """``to`` is a smaller workload; without it, those that the workload declares, in order."""

    to: Name | None = None
    reason: str = ""


class LimitCostParams(msgspec.Struct, frozen=True):
    """``max_cost`` is the most units that an intent may draw from a pool at once."""

    max_cost: Annotated[int, msgspec.Meta(ge=1, le=MAX_UNITS)]
    reason: str = ""


class CostEfficiencyParams(msgspec.Struct, frozen=True):
    """The cheapest of ``to`` once the runway of ``pool`` (or of the tightest pool) is shorter than
    ``runway_seconds``; ``mode`` says whether that is only suggested."""

    to: Targets
    mode: Literal["suggest", "enforce"] = "suggest"
    runway_seconds: Annotated[float, msgspec.Meta(ge=0)] | None = None
    pool: Name | None = None
    reason: str = ""


class SwitchAction:
    """Charges another identity: of the allowed ones, the one with the most headroom."""

    name = "switch"
    params: type[msgspec.Struct] = SwitchParams

    def apply(self, params: SwitchParams, situation: Situation) -> Effect:
        ways = (Way("identity_switch", name) for name in params.to)
        return Instead(tuple(ways), "headroom", params.reason)


class RouteAction:
    """Goes to another provider, pool or model."""

    name = "route"
    params: type[msgspec.Struct] = RouteParams

    def apply(self, params: RouteParams, situation: Situation) -> Effect:
        ways = (target.way() for target in params.to)
        return Instead(tuple(ways), params.by, params.reason)

    def names(self, params: RouteParams) -> Iterable[Named]:
        """The providers and pools that targets lead to."""
        return _named(params.to)


class SwitchProtocolAction:
    """Does the same by another protocol, as the substitute workload that was declared for it."""

    name = "switch_protocol"
    params: type[msgspec.Struct] = SwitchProtocolParams

    def apply(self, params: SwitchProtocolParams, situation: Situation) -> Effect:
        return Instead((Way("protocol_switch", params.to),), "order", params.reason)

    def names(self, params: SwitchProtocolParams) -> Iterable[Named]:
        """A protocol that some workload declares."""
        return (Named("protocol", "to", params.to),)


class DegradeAction:
    """Does less: a smaller workload."""

    name = "degrade"
    params: type[msgspec.Struct] = DegradeParams

    def apply(self, params: DegradeParams, situation: Situation) -> Effect:
        return Instead((Way("degrade", params.to or ""),), "order", params.reason)

    def names(self, params: DegradeParams) -> Iterable[Named]:
        """The smaller workload."""
        return () if params.to is None else (Named("workload", "to", params.to),)


class LimitCostAction:
    """Asks for fewer units."""

    name = "limit_cost"
    params: type[msgspec.Struct] = LimitCostParams

    def apply(self, params: LimitCostParams, situation: Situation) -> Effect:
        return Instead((Way("max_cost", most=params.max_cost),), "order", params.reason)


class CostEfficiencyAction:
    """Goes to what is cheapest, or says that it would be, when the runway is short."""

    name = "cost_efficiency"
    params: type[msgspec.Struct] = CostEfficiencyParams

    def apply(self, params: CostEfficiencyParams, situation: Situation) -> Effect:
        pool = params.pool or situation.tightest
        if params.runway_seconds is not None:
            if pool is None:
                return Instead(())
            key = pool if "/" in pool else pool_key("local", pool)
            if situation.outlook(key).tte_p90 >= params.runway_seconds:
                return Instead(())
        ways = tuple(target.way() for target in params.to)
        return Instead(ways, "cost", params.reason, suggest=params.mode == "suggest")

    def names(self, params: CostEfficiencyParams) -> Iterable[Named]:
        """The providers and pools that targets lead to, and the pool whose runway counts."""
        yield from _named(params.to)
        if params.pool is not None:
            yield Named("pool", "pool", params.pool)


def _named(targets: Targets) -> Iterable[Named]:
    for target in targets:
        if target.provider is None:
            continue
        yield Named("provider", "to", target.provider)
        if target.pool is not None:
            inside = target.pool.startswith(f"{target.provider}/")
            key = target.pool if inside else pool_key(target.provider, target.pool)
            yield Named("pool", "to", key)
