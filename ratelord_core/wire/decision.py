"""A decision in wire form: what HTTP, MCP and the command line show, field for field."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta

from ratelord_core.model.decision import (
    UNCHANGED,
    DecidedBy,
    Decision,
    Modifications,
    TraceStep,
    Verdict,
)
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.instant import SECOND
from ratelord_core.wire.fields import Anything
from ratelord_core.wire.timestamp import timestamp


class HoldView(msgspec.Struct, frozen=True, gc=False):
    """One pool's part of a hold."""

    provider_id: str
    pool_id: str
    units: int
    remaining: int
    reset_at: str | None
    expires_at: str


class RiskView(msgspec.Struct, frozen=True, gc=False):
    """The forecast of the tightest pool; a ``null`` time is beyond the reset, or unknown."""

    p_exhaustion: float
    tte_p50_seconds: float | None
    tte_p90_seconds: float | None
    tte_p99_seconds: float | None
    ttr_seconds: float | None


class EvaluationView(msgspec.Struct, frozen=True, gc=False):
    """What the decision saw. Without a pool to look at, ``tightest_pool`` is null and p is 0."""

    as_of_ts: str
    policy_version: str
    risk_summary: str
    tightest_pool: str | None
    risk: RiskView


class DecisionView(msgspec.Struct, frozen=True):
    """The whole answer. ``status`` repeats ``decision``: some clients read one, some the other."""

    intent_id: Annotated[str, Meta(description="names the question from now on")]
    decision: Annotated[
        str,
        Meta(
            description="what was decided",
            extra_json_schema={"enum": list(get_args(Verdict))},
        ),
    ]
    status: Annotated[str, Meta(description="the same as `decision`")]
    allowed: Annotated[bool, Meta(description="false for a denial")]
    reason_code: Annotated[str, Meta(description="why, as a word")]
    reason: Annotated[str, Meta(description="why, as a sentence")]
    modifications: Annotated[
        Anything,
        Meta(
            description="what to change first; empty exactly for `approve`: `wait_seconds`, "
            "`identity_switch`, `route`, `protocol_switch`, `max_cost`, `degrade`"
        ),
    ]
    start_at: Annotated[str | None, Meta(description="when the action may begin")]
    alternatives: Annotated[tuple[Anything, ...], Meta(description="other ways that would be safe")]
    decided_by: Annotated[
        DecidedBy | None, Meta(description="the rule that decided; null if none did")
    ]
    warnings: Annotated[tuple[str, ...], Meta(description="sentences")]
    retry_after_seconds: Annotated[
        int | None, Meta(description="for denials: asking sooner is useless; whole seconds")
    ]
    valid_until: Annotated[str | None, Meta(description="when the action must have begun")]
    holds: Annotated[list[HoldView], Meta(description="what was set aside")]
    evaluation: Annotated[EvaluationView, Meta(description="what the decision saw")]
    trace: Annotated[
        tuple[TraceStep, ...],
        Meta(description="with `debug`: every rule that was looked at, with the values it saw"),
    ]


class ExplanationView(msgspec.Struct, frozen=True):
    """Why an intent was answered as it was."""

    intent_id: str
    intent: Annotated[Anything, Meta(description="the question, with who asked and when")]
    decision: DecisionView
    policy_version: Annotated[str, Meta(description="the policy that it met")]
    report: Annotated[Anything | None, Meta(description="what came of it; null without a report")]
    story: Annotated[list[str], Meta(description="the same in sentences")]
    overrides: Annotated[list[Anything], Meta(description="which humans allowed it after all")] = []
    path: Annotated[
        Anything | None,
        Meta(description="the pools and scopes that the graph leads to, as it stands"),
    ] = None
    nearest: Annotated[
        Anything | None,
        Meta(
            description="of a denial: which `changes` would have got an approval, asked again of "
            "the state of the instant `as_of`"
        ),
    ] = None


_NOTHING_AT_RISK = RiskView(0.0, None, None, None, None)


def decision_view(decision: Decision, *, trace: bool = False) -> DecisionView:
    """The decision as every door shows it; ``trace`` only for those who asked to see it."""
    start_at, valid_until, retry_after = (
        decision.start_at,
        decision.valid_until,
        decision.retry_after,
    )
    return DecisionView(
        decision.intent_id,
        decision.decision,
        decision.decision,
        decision.decision != "deny_with_reason",
        decision.reason_code,
        decision.reason,
        modifications_view(decision.modifications),
        None if start_at is None else timestamp(start_at),
        decision.alternatives,
        decision.decided_by,
        decision.warnings,
        None if retry_after is None else -(-retry_after // SECOND),
        None if valid_until is None else timestamp(valid_until),
        _holds(decision),
        _evaluation(decision),
        decision.trace if trace else (),
    )


def modifications_view(modifications: Modifications) -> dict[str, Any]:
    """Only what must change: empty for an intent that may go ahead as it asked."""
    view: dict[str, Any] = {}
    if modifications is UNCHANGED:
        return view
    if modifications.wait:
        view["wait_seconds"] = modifications.wait / SECOND
    if modifications.identity_switch is not None:
        view["identity_switch"] = modifications.identity_switch
    if modifications.route is not None:
        view["route"] = modifications.route
    if modifications.protocol_switch is not None:
        view["protocol_switch"] = modifications.protocol_switch
    if modifications.max_cost is not None:
        view["max_cost"] = modifications.max_cost
    if modifications.degrade is not None:
        view["degrade"] = modifications.degrade
    return view


def _holds(decision: Decision) -> list[HoldView]:
    views = []
    for line in decision.holds:
        provider_id, pool_id = _names(line.pool)
        reset_at = line.reset_at
        resets = None if reset_at is None else timestamp(reset_at)
        ends = timestamp(line.expires_at)
        views.append(HoldView(provider_id, pool_id, line.units, line.remaining, resets, ends))
    return views


_names = lru_cache(maxsize=256)(split_pool_key)
"""Every answer names its pools."""


def _evaluation(decision: Decision) -> EvaluationView:
    risk = decision.risk
    as_of = timestamp(decision.as_of)
    if risk is None:
        return EvaluationView(
            as_of, decision.policy_version, "no pool was looked at", None, _NOTHING_AT_RISK
        )
    view = RiskView(
        risk.p_exhaustion / 1e6,
        _seconds(risk.tte_p50),
        _seconds(risk.tte_p90),
        _seconds(risk.tte_p99),
        _seconds(risk.ttr),
    )
    told = _told(risk.pool, risk.p_exhaustion, risk.ttr)
    return EvaluationView(as_of, decision.policy_version, told, risk.pool, view)


def _seconds(millis: int | None) -> float | None:
    return None if millis is None else millis / 1000


@lru_cache(maxsize=64)  # the answers of a batch tell the same
def _told(pool: str, p_exhaustion: int, ttr: int | None) -> str:
    percent = f"{pool}: {p_exhaustion / 10_000:.3g} % likely to run dry"
    # not "before its reset": a window that gives back all the time is looked at for its length
    return percent if ttr is None else f"{percent}; {ttr / 1000:.3g} s to its reset"
