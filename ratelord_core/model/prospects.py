"""What agents plan with: what binds them, whether an amount fits in time, how a plan would go.

In wire form, like every view: timestamps as text, spans in seconds.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ratelord_core.model.decision import ReasonCode, Verdict


class ConstraintView(msgspec.Struct, frozen=True):
    """One thing that binds: a pool that is drawn from, a rule that is looked at, an identity's
    state. ``text`` says it in one sentence; the figures are a pool's, null for everything else."""

    kind: Literal["pool", "rule", "identity"]
    id: str
    text: str
    available: int | None = None
    limit: int | None = None
    unit: str | None = None
    reset_at: str | None = None
    risk_level: str | None = None


class FitView(msgspec.Struct, frozen=True):
    """Whether an amount fits into a pool by an instant. ``earliest_at`` null: never as it stands;
    ``p_exhaustion`` is the probability of running dry before the reset if it is taken now."""

    pool: str
    units: int
    by: str
    fits: bool
    earliest_at: str | None
    available: int
    p_exhaustion: float
    risk_level: str
    reason: str


class StepView(msgspec.Struct, frozen=True):
    """What would be answered to one intent of a plan; ``index`` is its place in the question."""

    index: int
    decision: Verdict
    allowed: bool
    reason_code: ReasonCode
    reason: str
    start_at: str | None
    wait_seconds: float
    tightest_pool: str | None
    remaining: int | None
    retry_after_seconds: int | None


class PlanView(msgspec.Struct, frozen=True):
    """How a plan would go if all of it were asked now, in its order; nothing is held. ``order``
    names the steps that fit by when they start, ``misfits`` the others."""

    fits: bool
    order: tuple[int, ...]
    misfits: tuple[int, ...]
    last_start_at: str | None
    steps: tuple[StepView, ...]
