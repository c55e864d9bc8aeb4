"""What cannot be done to, or seen of, a daemon from outside."""

from __future__ import annotations

NOT_PLAYED = frozenset({"crash", "clock_step"})
"""Faults of the daemon's own machine."""

UNSEEN = frozenset(
    {
        "brier", "coverage_p90", "coverage_p99", "exhaustions",
        "circuits_opened", "circuits_healed", "calls_while_open", "failed_polls", "backoff",
        "open_max", "restarts", "replay_differs", "drift_delay_max", "drift_polls_max",
        "drift_tightened", "neglected",
    }
)  # fmt: skip
"""Metrics that need to look inside."""

UNSEEN_WITHOUT_LOG = frozenset(
    {"over_admissions", "unlogged_answers", "decided_twice", "leaks", "drift_detections"}
)
"""Metrics that need the whole log."""
