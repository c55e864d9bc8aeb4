"""Tells the world what rules do: each once when it begins to bind, not for every intent."""

from __future__ import annotations

from collections.abc import Iterable

from ratelord_core.engine.scribe import Scribe
from ratelord_core.events.payloads import PolicyTriggered
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.instant import MINUTE, Micros
from ratelord_core.policy.verdict import Notice

_QUIET = MINUTE
"""A rule that bound nobody for so long begins anew when it binds again."""
_MEMORY = 8192

Bound = tuple[str, str, str, str]


class Herald:
    """Remembers what was told, and when."""

    def __init__(self, scribe: Scribe) -> None:
        self._scribe = scribe
        self._bound_at: dict[tuple[str, str], Micros] = {}
        self._quiet_until: dict[tuple[str, str, str], Micros] = {}

    def bound(self, rules: Iterable[Bound], now: Micros, who: Dimensions) -> None:
        """These rules (policy id, rule, action, reason) bind an intent of those names."""
        for policy_id, rule, action, reason in rules:
            before = self._bound_at.get((policy_id, rule))
            self._bound_at[policy_id, rule] = now
            if before is None or now - before >= _QUIET:
                self._tell(now, who, policy_id, rule, action, reason)

    def notices(self, notices: Iterable[Notice], now: Micros, who: Dimensions) -> None:
        """What rules want told, as often as they want it."""
        for each in notices:
            key = (each.policy_id, each.rule, each.mark)
            if now < self._quiet_until.get(key, 0):
                continue
            if len(self._quiet_until) >= _MEMORY:
                self._quiet_until.clear()
            self._quiet_until[key] = now + each.every
            self._tell(now, who, each.policy_id, each.rule, each.action, each.message)

    def _tell(
        self, now: Micros, who: Dimensions, policy_id: str, rule: str, action: str, reason: str
    ) -> None:
        event = PolicyTriggered(policy_id=policy_id, rule=rule, action=action, reason=reason)
        self._scribe.write(now, event, who)
