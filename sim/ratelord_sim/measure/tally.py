"""Counts of what happened to agents, by group and phase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from ratelord_core.model.instant import Micros


class Tally(msgspec.Struct):
    """Everything that is counted about some agents for some time. Spans in µs."""

    demands: int = 0
    requests: int = 0
    approved: int = 0
    modified: int = 0
    denied: int = 0
    errors: int = 0
    started: int = 0
    succeeded: int = 0
    refused: int = 0
    failed: int = 0
    units: int = 0
    reported: int = 0
    unreported: int = 0
    disobeyed: int = 0
    cancelled: int = 0
    redirected: int = 0
    """Actions done in another way than asked."""
    changes: Counter[str] = msgspec.field(default_factory=Counter)
    """What approvals asked to be changed, by kind."""
    reasons: Counter[str] = msgspec.field(default_factory=Counter)
    """Denials by their code."""
    latencies: list[Micros] = msgspec.field(default_factory=list)
    """From a question to its answer."""
    waits: list[Micros] = msgspec.field(default_factory=list)
    """From the first answer to the start of the action."""
    starts: list[Micros] = msgspec.field(default_factory=list)
    """When actions that had to wait began."""
    by_agent: dict[str, float] = msgspec.field(default_factory=dict)
    """Units used, by agent, per unit of its weight; agents that got nothing have 0."""


def merged(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    whole = Tally()
    for one in tallies:
        for name in _SUMS:
            setattr(whole, name, getattr(whole, name) + getattr(one, name))
        whole.reasons.update(one.reasons)
        whole.changes.update(one.changes)
        whole.latencies += one.latencies
        whole.waits += one.waits
        whole.starts += one.starts
        for agent, units in one.by_agent.items():
            whole.by_agent[agent] = whole.by_agent.get(agent, 0.0) + units
    return whole


_SUMS = (
    "demands", "requests", "approved", "modified", "denied", "errors", "started", "succeeded",
    "refused", "failed", "units", "reported", "unreported", "disobeyed", "cancelled",
    "redirected",
)  # fmt: skip


class Notes:
    """The tallies of a run."""

    def __init__(self) -> None:
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.acknowledged: list[tuple[str, str, Micros | None]] = []
        """Answers that reached an agent: the intent, the decision, when it starts."""

    def of(self, group: str, phase: str) -> Tally:
        """The tally of a group in a phase."""
        found = self.tallies.get((group, phase))
        if found is None:
            found = self.tallies[group, phase] = Tally()
        return found

    def total(self, group: str = "", phase: str = "") -> Tally:
        """The tally of a group, of a phase, of both or of everything."""
        return merged(
            one
            for (its_group, its_phase), one in self.tallies.items()
            if group in ("", its_group) and phase in ("", its_phase)
        )
