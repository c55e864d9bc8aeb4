"""What somebody asks of the process that plays for a daemon."""

from __future__ import annotations

import msgspec


class Task(msgspec.Struct, frozen=True):
    """A scenario to play, as text; ``name`` is a shipped one instead. Bounds: 0 is none."""

    text: str = ""
    name: str = ""
    seed: int | None = None
    duration_seconds: float = 0.0
    agents: int = 0
    megabytes: int = 0
