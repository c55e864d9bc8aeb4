"""Old payloads read as new ones: one step per version, applied when read, never written back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ratelord_core.events.catalogue import CATALOGUE

Step = Callable[[dict[str, Any]], dict[str, Any]]

_STEPS: dict[tuple[str, int], Step] = {}


def upcaster(event_type: str, from_version: int) -> Callable[[Step], Step]:
    """Declare how a payload of one version reads in the next."""

    def declare(step: Step) -> Step:
        if (event_type, from_version) in _STEPS:
            raise ValueError(f"{event_type} v{from_version} already has an upcaster")
        _STEPS[event_type, from_version] = step
        return step

    return declare


def upcast(event_type: str, version: int, content: dict[str, Any]) -> dict[str, Any]:
    """The payload's content as the current version has it; a missing step is a ``LookupError``."""
    while version < CATALOGUE[event_type].schema_version:
        step = _STEPS.get((event_type, version))
        if step is None:
            raise LookupError(f"no upcaster from {event_type} v{version}")
        content, version = step(dict(content)), version + 1
    return content
