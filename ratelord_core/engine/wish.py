"""What an intent may have as far as rules go, and what it is told in the end."""

from __future__ import annotations

import msgspec

from ratelord_core.model.decision import ReasonCode
from ratelord_core.model.instant import Micros


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """What will be answered: a start (allowed) or None (denied), and why. ``paced`` is the stale
    pool through which it is let, spaced; ``blocker`` the one without room for it."""

    start: Micros | None
    code: ReasonCode = "ok"
    reason: str = ""
    retry_after: Micros | None = None
    warnings: tuple[str, ...] = ()
    by_rule: bool = False
    paced: str = ""
    blocker: str = ""


class Wish(msgspec.Struct, frozen=True, gc=False):
    """What an allowed intent may have: not before an instant, for the reason given."""

    not_before: Micros
    code: ReasonCode = "ok"
    reason: str = ""
    warnings: tuple[str, ...] = ()
    by_rule: bool = False
    paced: str = ""

    def granted(self, start: Micros, code: ReasonCode, reason: str, *, by_rule: bool) -> Judgement:
        """Yes, from that later instant on."""
        return Judgement(start, code, reason, None, self.warnings, by_rule, self.paced)
