"""What a shadow policy would have done otherwise, and what became of the shadow itself."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from ratelord_core.events.payload import Payload
from ratelord_core.model.instant import Micros


class ShadowTurned(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A shadow policy began to be evaluated (``on``), was taken away (``off``), or was switched off
    because it failed (``failed``; ``detail`` says of what). No decision depends on it."""

    event_type: ClassVar[str] = "shadow_turned"
    state: str
    version: str = ""
    source: str = ""
    detail: str = ""


class ShadowDiffered(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """The shadow policy would have answered otherwise; correlated with the intent.

    ``change``: denied, approved, routed, delayed, sooner or otherwise, as in a backtest; the rest
    is the answer that it would have given. ``wait`` in µs.
    """

    event_type: ClassVar[str] = "shadow_differed"
    version: str
    change: str
    decision: str
    reason_code: str = "ok"
    reason: str = ""
    rule: str = ""
    wait: Micros = 0
    modifications: dict[str, Any] = msgspec.field(default_factory=dict)
