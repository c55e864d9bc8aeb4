"""What a policy file may say and nobody carries out yet: who wrote it would rely on it."""

from __future__ import annotations

from collections.abc import Iterator

from ratelord_core.errors import Finding
from ratelord_core.model.config import Document
from ratelord_core.policy.lint.places import Places


def look(document: Document, places: Places) -> Iterator[Finding]:
    """A retention that is switched on."""
    if document.retention.enabled:
        message = "retention is read, but nothing is deleted yet: every event is kept"
        hint = "leave it out, and see to the room that the log takes"
        yield places.warn(message, "retention", "enabled", hint=hint)
