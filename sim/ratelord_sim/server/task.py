"""What passes between a daemon and the process that plays: a task one way, lines the other."""

from __future__ import annotations

from typing import Any

import msgspec


class Task(msgspec.Struct, frozen=True):
    """A scenario to play, as text; ``name`` is a shipped one instead. Bounds: 0 is none."""

    text: str = ""
    name: str = ""
    seed: int | None = None
    duration_seconds: float = 0.0
    agents: int = 0
    megabytes: int = 0


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the player: it has read the scenario (``title``), how far it is, what came of it,
    or what is wrong with the scenario."""

    title: str = ""
    progress: float = 0.0
    result: dict[str, Any] | None = None
    findings: list[dict[str, Any]] = []
    error: str = ""
