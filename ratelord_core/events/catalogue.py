"""Every event type that this version writes and reads."""

from __future__ import annotations

from ratelord_core.events import administration, payloads, shadowing
from ratelord_core.events.payloads import Payload

CATALOGUE: dict[str, type[Payload]] = {
    kind.event_type: kind
    for room in (payloads, administration, shadowing)
    for kind in vars(room).values()
    if isinstance(kind, type) and issubclass(kind, Payload) and vars(kind).get("event_type")
}
"""Every event type, by name."""
