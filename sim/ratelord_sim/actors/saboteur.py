"""A hidden spender: draws from a pool without asking anybody."""

from __future__ import annotations

from collections.abc import Callable

from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.instant import Micros
from ratelord_sim.provider.service import Service
from ratelord_sim.scenario.model import SabotageTerms
from ratelord_sim.stage import Process, Stage


def sabotage(
    terms: SabotageTerms,
    services: dict[str, Service],
    stage: Stage,
    note: Callable[[str, int], None],
) -> Process:
    """Spend as the terms say; ``note`` is told of the pool and the units. The provider gives a
    saboteur no more than there is."""
    service = services[split_pool_key(terms.target)[0]]
    first: Micros = terms.interval if terms.start is None else terms.start
    ends = None if terms.duration is None else first + terms.duration
    yield first
    while ends is None or stage.now - stage.start < ends:
        room = service.truth[terms.target].room(stage.now)
        units = terms.amount if room is None else min(terms.amount, room)
        if units:
            service.spend(terms.target, units)
            note(terms.target, units)
        yield terms.interval
