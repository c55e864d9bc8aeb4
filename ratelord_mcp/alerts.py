"""What an agent is told in passing: a pool that it draws from has turned since its last call.

Works with clients that ignore notifications, because it rides on every answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

MAX_AGENTS: Final = 4096
MAX_POOLS: Final = 16
"""Pools of one agent: those that it asked of last."""
FORGOTTEN: Final = 1200
"""Looks after which the pools of an agent that does not call are not looked at any more."""
MAX_INTENTS: Final = 16_384

LevelOf = Callable[[str], str | None]
"""The risk level of a pool as it was last seen; None if it never was."""


class Alerts:
    """Remembers which pools an agent draws from, and what it was told of them."""

    def __init__(self, level_of: LevelOf) -> None:
        self._level_of = level_of
        self._told: OrderedDict[str, OrderedDict[str, str]] = OrderedDict()
        self._asker: OrderedDict[str, str] = OrderedDict()
        self._called: dict[str, int] = {}
        """At which look an agent last asked."""
        self._looks = 0

    def pools(self) -> set[str]:
        """Every pool that some agent draws from, for the next look at them."""
        self._looks += 1
        awake = self._looks - FORGOTTEN
        return {
            pool
            for agent_id, pools in self._told.items()
            if self._called[agent_id] >= awake
            for pool in pools
        }

    def note(self, agent_id: str, intent_id: str, pools: Iterable[str]) -> None:
        """An agent asked, and draws from these."""
        known = self._told.setdefault(agent_id, OrderedDict())
        self._told.move_to_end(agent_id)
        self._called[agent_id] = self._looks
        for pool in pools:
            known.setdefault(pool, self._level_of(pool) or "ok")
            known.move_to_end(pool)
        while len(known) > MAX_POOLS:
            known.popitem(last=False)
        while len(self._told) > MAX_AGENTS:
            gone, _ = self._told.popitem(last=False)
            del self._called[gone]
        self._asker[intent_id] = agent_id
        if len(self._asker) > MAX_INTENTS:
            self._asker.popitem(last=False)

    def asker_of(self, intent_id: str) -> str | None:
        """Who asked this intent, if that is not too long ago."""
        return self._asker.get(intent_id)

    def take(self, agent_id: str | None) -> list[str]:
        """What turned for an agent since the last time, worst news first; told once."""
        known = self._told.get(agent_id) if agent_id is not None else None
        if not known:
            return []
        turned = []
        for pool, before in known.items():
            level = self._level_of(pool)
            if level is not None and level != before:
                known[pool] = level
                turned.append((_RANK.get(level, 0), f"{pool} turned {level} (was {before})"))
        return [text for _, text in sorted(turned, reverse=True)]


_RANK: Final = {"critical": 3, "warn": 2, "unknown": 1, "ok": 0}
