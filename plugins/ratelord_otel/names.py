"""What attributes and instruments are called: OpenTelemetry's own words where it has them."""

from __future__ import annotations

from typing import Final

METHOD: Final = "http.request.method"
ROUTE: Final = "http.route"
STATUS: Final = "http.response.status_code"

REQUEST_ID: Final = "ratelord.request.id"
INTENT_ID: Final = "ratelord.intent.id"
DECISION: Final = "ratelord.decision"

DURATION: Final = "http.server.request.duration"
"""The histogram that OpenTelemetry has for servers, in seconds."""


def instrument(family: str) -> str:
    """What a Prometheus family is called there: ``ratelord_journal_queue`` is
    ``ratelord.journal.queue``."""
    return family.replace("_", ".", 1)
