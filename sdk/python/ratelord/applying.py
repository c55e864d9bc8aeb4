"""What an agent does about an answer that changes its request: callbacks by kind of change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

import msgspec

from ratelord.decision import Decision

Change = Literal["identity_switch", "route", "protocol_switch", "degrade", "max_cost"]
Callback = Callable[[Any], Any]
"""Takes the change's value; ``False`` says that the agent cannot do it. An ``AsyncClient`` awaits
what it returns, if it can be awaited."""

CHANGES: tuple[str, ...] = get_args(Change)


class Callbacks:
    """The callbacks that an agent registered."""

    def __init__(self) -> None:
        self._by_change: dict[str, Callback] = {}

    def register(self, change: Change, callback: Callback) -> None:
        """Let this callback apply such changes, in place of an earlier one. ``ValueError`` for a
        change that no answer contains."""
        if change not in CHANGES:
            known = ", ".join(CHANGES)
            raise ValueError(f"no answer contains the change {change!r}; register one of {known}")
        self._by_change[change] = callback

    def due(self, decision: Decision) -> Iterator[tuple[str, Callback, Any]]:
        """Each change of an approval for which there is a callback: name, callback, value."""
        for change, value in _changes(decision):
            if change in self._by_change:
                yield change, self._by_change[change], value

    def unapplied(self, decision: Decision) -> tuple[str, ...]:
        """The changes of an approval for which there is none: the agent's own affair."""
        return tuple(name for name, _ in _changes(decision) if name not in self._by_change)


def _changes(decision: Decision) -> Iterator[tuple[str, Any]]:
    for change in CHANGES if decision.allowed else ():
        value = getattr(decision.modifications, change)
        if value is not None:
            yield change, value


def refused(decision: Decision, change: str) -> Decision:
    """The denial that an approval becomes when the agent cannot do what it asks."""
    value = getattr(decision.modifications, change)
    return msgspec.structs.replace(
        decision,
        decision="deny_with_reason",
        status="deny_with_reason",
        allowed=False,
        reason_code="not_applied",
        reason=f"this agent cannot apply {change} {value!r}: {decision.reason}",
        holds=(),
        start_at=None,
        valid_until=None,
    )
