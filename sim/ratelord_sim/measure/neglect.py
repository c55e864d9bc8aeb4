"""Who starves: keeps asking, is ready to wait, and gets nothing while others like it do."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ratelord_core.engine.units import usable, whole
from ratelord_core.graph import Draw
from ratelord_core.model.decision import Decision
from ratelord_core.model.instant import MINUTE, SECOND, Micros
from ratelord_core.model.intent import Intent
from ratelord_sim.daemon import Daemon, Listener

PATIENCE = 4
"""Questions in vain before anybody starves, and answers that another must have had meanwhile."""
_LUCK = 1e-4
"""Who comes first is served first, and somebody comes late every time: so seldom, it is no luck."""
_ROOM = frozenset({"pool_exhausted", "budget_exceeded", "wait_too_long"})
"""Denials for want of room. What a rule, a risk or an identity denies is no starvation."""
_RANK = {"background": 0, "normal": 1, "high": 2}

Kind = tuple[str, tuple[str, ...]]
"""An urgency, and the pools that are drawn from."""


class Fate(msgspec.Struct):
    """What became of one agent's questions of a kind. Instants are the stage's."""

    first: Micros
    last: Micros = 0
    pause: Micros = 0
    """The longest between two questions."""
    asked: int = 0
    served: list[Micros] = msgspec.field(default_factory=list)
    denied: int = 0
    """For want of room."""
    units: float = 0.0
    """The most that it ever wanted."""
    least: float = 0.0
    """The least that it wanted when it was served."""
    lasts: Micros = 0
    """The longest that it wanted to hold something for."""
    briefest: Micros = 0
    """The shortest that it wanted to when it was served."""
    max_wait: Micros = 0
    """The shortest wait that it was ready for."""


class Neglect(Listener):
    """Compares what agents get.

    An agent starves if at least four times, over two windows of the slowest of its pools or more
    (a minute, where a pool has none) and never a window apart, it asked for something that its
    pools could hold (beside what they keep for urgent work), was ready to wait for one such window
    after the longest hold in them, and was denied every time for want of room, while another agent
    that draws from the same pools, with no higher urgency, for no fewer units and no shorter a
    time, and no readier to wait, was allowed four times between its first and its last question, so
    large a part of those that it asked that bad luck alone does not explain the difference.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._fates: dict[Kind, dict[str, Fate]] = {}
        self._longest: dict[str, Micros] = {}
        """The longest that anybody held something, by pool."""

    def decided(self, intent: Intent, decision: Decision) -> None:
        daemon = self._daemon
        now, draws = daemon.stage.now, daemon.engine.state.graph.bind(intent).draws
        kind = (intent.urgency, tuple(sorted(draw.pool for draw in draws)))
        fates = self._fates.setdefault(kind, {})
        fate = fates.get(intent.agent_id)
        ready = daemon.engine.state.max_wait(intent)
        wanted = 1.0 if intent.expected_cost is None else intent.expected_cost
        wanted = max([wanted, *intent.costs.values()])
        if fate is None:
            fate = fates[intent.agent_id] = Fate(now, now, least=wanted, max_wait=ready)
        fate.pause = max(fate.pause, now - fate.last)
        fate.last, fate.asked = now, fate.asked + 1
        fate.units, fate.max_wait = max(fate.units, wanted), min(fate.max_wait, ready)
        span = self._span(intent, draws)
        fate.lasts = max(fate.lasts, span)
        for line in decision.holds:
            lasts = (line.expires_at or now) - (decision.start_at or decision.as_of)
            self._longest[line.pool] = max(lasts, self._longest.get(line.pool, 0))
        if decision.allowed:
            fate.served.append(now)
            first = len(fate.served) == 1
            fate.least = wanted if first else min(fate.least, wanted)
            fate.briefest = span if first else min(fate.briefest, span)
        elif decision.reason_code in _ROOM and self._could_fit(intent, draws):
            fate.denied += 1

    def _span(self, intent: Intent, draws: Sequence[Draw]) -> Micros:
        """How long it wants to hold what it asks for."""
        if intent.duration is not None:
            return intent.duration
        state = self._daemon.engine.state
        windows = [state.ledger.accounts[draw.pool].pool.window.kind for draw in draws]
        slots = "concurrency" in windows
        return state.settings.concurrency_ttl if slots else state.settings.hold_ttl

    def _could_fit(self, intent: Intent, draws: Sequence[Draw]) -> bool:
        """Whether the pools ever hold so much again, beside what they keep for urgent work."""
        state = self._daemon.engine.state
        for draw in draws:
            calls = 1.0 if intent.expected_cost is None else intent.expected_cost
            units = whole(intent.costs.get(draw.pool, calls * (draw.consumes or 1.0)))
            account = state.ledger.accounts[draw.pool]
            room = account.capacity
            if account.pool.window.kind == "fixed" and intent.urgency != "high":
                room = usable(room, state.settings.high_reserve_percent)
            refills = account.limit != 0 or account.pool.window.kind == "concurrency"
            if room is not None and (units > room or not refills):
                return False
        return True

    def starving(self) -> list[str]:
        """The agents that starve."""
        return sorted(
            agent
            for kind, fates in self._fates.items()
            for agent, fate in fates.items()
            if self._in_vain(kind, fate) and self._others_served(kind, fate)
        )

    def _in_vain(self, kind: Kind, fate: Fate) -> bool:
        window = self._slowest(kind[1])
        held = max([self._longest.get(pool, 0) for pool in kind[1]], default=0)
        return (
            kind[0] != "background"
            and fate.denied == fate.asked >= PATIENCE
            and fate.last - fate.first >= 2 * window
            and fate.pause <= window
            and fate.max_wait >= held + window + SECOND
        )

    def _slowest(self, pools: tuple[str, ...]) -> Micros:
        accounts = self._daemon.engine.state.ledger.accounts
        windows = [accounts[pool].pool.window for pool in pools if pool in accounts]
        return max([window.every or MINUTE for window in windows], default=MINUTE)

    def _others_served(self, kind: Kind, fate: Fate) -> bool:
        return any(
            len([at for at in other.served if fate.first <= at <= fate.last]) >= PATIENCE
            and other.least >= fate.units
            and other.briefest >= fate.lasts
            and other.max_wait <= fate.max_wait
            and (1.0 - len(other.served) / other.asked) ** fate.asked < _LUCK
            for (urgency, pools), fates in self._fates.items()
            if pools == kind[1] and _RANK[urgency] <= _RANK[kind[0]]
            for other in fates.values()
        )
