"""What is asked of the process that replays the log against a policy."""

from __future__ import annotations

import msgspec

from ratelord_core.model.instant import Micros


class ReplayTask(msgspec.Struct, frozen=True):
    """Replay a log against the policy ``document`` (a text, called ``source`` in findings).

    ``store``, ``path``, ``graph`` and ``without`` say where the log is and what reads it.
    ``follow``: go on as the log grows, and tell only of questions after ``since_seq`` that are
    answered otherwise. ``megabytes`` bounds memory, 0 does not.
    """

    document: str
    source: str
    store: str
    path: str
    graph: str
    without: tuple[str, ...] = ()
    since: Micros | None = None
    until: Micros | None = None
    examples: int = 20
    seed: int = 0
    megabytes: int = 0
    follow: bool = False
    since_seq: int = 0


class LogPlace(msgspec.Struct, frozen=True):
    """Where a daemon's log is, and what reads it."""

    store: str
    path: str
    graph: str
    without: tuple[str, ...] = ()


PLAYER = "ratelord_core.hindsight.player"
"""The module that does it, in a process of its own."""
