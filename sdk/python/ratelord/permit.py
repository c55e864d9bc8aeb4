"""A permit: what a guard hands out while the action runs, and what it reports afterwards."""

from __future__ import annotations

from collections.abc import Mapping

from ratelord.decision import Decision, Outcome, Settlement


class Permit:
    """The right to act once. Set ``actual_cost`` (or ``costs`` by pool, or ``headers`` as the
    provider sent them) before the guard ends; unset means what was held.

    ``unapplied`` are the changes that the answer asks for and no callback applied.
    ``settlement`` is there after the guard ended, unless the report could not be delivered.
    """

    def __init__(self, decision: Decision, unapplied: tuple[str, ...] = ()) -> None:
        self.decision = decision
        self.unapplied = unapplied
        self.actual_cost: float | None = None
        self.costs: Mapping[str, float] | None = None
        self.headers: Mapping[str, str] | None = None
        self.outcome: Outcome | None = None
        self.settlement: Settlement | None = None

    def cancel(self) -> None:
        """Say that nothing was spent: the hold will be freed."""
        self.outcome = "cancelled"

    def rate_limited(self) -> None:
        """Say that the provider refused for its limit."""
        self.outcome = "rate_limited"
