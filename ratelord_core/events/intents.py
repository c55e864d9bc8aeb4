"""The life of an intent as it is written down: asked, answered, reported, its holds ended."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from ratelord_core.events.lines import HeldLine, PacedLine, SecondLook
from ratelord_core.events.payload import Payload
from ratelord_core.model.instant import Micros


class IntentSubmitted(Payload, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A question was asked. Its event id is the intent's id.

    ``key`` is a digest of agent and idempotency key, ``body`` one of the question, ``run`` and
    ``task`` of what the asker calls its run and its task.
    """

    event_type: ClassVar[str] = "intent_submitted"
    urgency: str = "normal"
    expected_cost: str = ""
    costs: dict[str, str] = msgspec.field(default_factory=dict)
    provider_id: str | None = None
    pool_id: str | None = None
    model: str | None = None
    duration: Micros | None = None
    max_wait: Micros | None = None
    renews: str | None = None
    run: str = ""
    task: str = ""
    key: str = ""
    body: str = ""


class IntentDecided(Payload, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """An answer was given. Spans count from ``ts_event``; ``start`` is the wait, ``valid`` the last
    moment to begin (0 = when the first of its holds expires). Enough is here to give the same
    answer again, and to replay its holds.

    ``risk`` is the forecast it saw: (p in millionths, TTE p50, p90, p99 in ms), cut off where the
    rest lies beyond the reset; ``cost`` what it was expected to cost in micro-USD (-1: nobody knows
    a price); ``tightest`` is its pool (its hold's place, else its key), ``ttr``
    (ms) that pool's time to reset where no hold tells it. ``looked``, ``held`` and ``saw`` are the
    rules that were looked at, see ``policy.trace``, and what only they tell of what they saw;
    ``again`` the same for the way that was chosen instead; ``paced`` is what
    controllers gave away."""

    event_type: ClassVar[str] = "intent_decided"
    decision: str = "approve"
    reason_code: str = "ok"
    reason: str = ""
    start: Micros = 0
    valid: Micros = 0
    holds: tuple[HeldLine, ...] = ()
    modifications: dict[str, Any] = msgspec.field(default_factory=dict)
    decided_by: tuple[str, str] | None = None
    overridable: bool = False
    warnings: tuple[str, ...] = ()
    retry_after: Micros | None = None
    risk: tuple[int | None, ...] = ()
    tightest: int | str = 0
    ttr: int | None = None
    looked: str = ""
    held: dict[str, str] = msgspec.field(default_factory=dict)
    saw: dict[str, Any] = msgspec.field(default_factory=dict)
    alternatives: tuple[dict[str, Any], ...] = ()
    cost: int = -1
    again: SecondLook | None = None
    paced: tuple[PacedLine, ...] = ()

    @property
    def until(self) -> Micros:
        """The last moment to begin, counted from ``ts_event``."""
        if self.valid or not self.holds:
            return self.valid or self.start
        least = self.holds[0].lifetime
        for line in self.holds:
            least = min(least, line.lifetime)
        return self.start + least


class IntentReported(Payload, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """An action's cost became known; ``settled`` are (pool, units) as the ledger took them,
    ``cost`` is the same in micro-USD (-1: nobody knows a price).
    ``learn``: the costs were told, so the workload's estimates may learn from them, except in the
    pools for which they were ``assumed``."""

    event_type: ClassVar[str] = "intent_reported"
    outcome: str = "success"
    settled: tuple[tuple[str, int], ...] = ()
    learn: bool = False
    assumed: tuple[str, ...] = ()
    late: bool = False
    body: str = ""
    cost: int = -1


class HoldExtended(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A hold lives longer; the new end is absolute."""

    event_type: ClassVar[str] = "hold_extended"
    intent_id: str
    expires_at: Micros


class HoldExpired(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """Holds ended unreported, each (intent id, pool, units, when). ``costs`` are (intent id,
    micro-USD) as they were expected, once for each intent, where a price is known."""

    event_type: ClassVar[str] = "hold_expired"
    expired: tuple[tuple[str, str, int, Micros], ...]
    costs: tuple[tuple[str, int], ...] = ()
