"""A decision and the event that records it are two forms of one thing.

The answer that is sent is always read from what is written down, so the same event gives the same
answer again: for a repeated key, for ``explain``, after a restart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from msgspec.structs import replace

from ratelord_core.events.lines import HeldLine, SecondLook
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.forecast.record import millionths, millis
from ratelord_core.model.config import Document
from ratelord_core.model.decision import (
    UNCHANGED,
    DecidedBy,
    Decision,
    HoldLine,
    Modifications,
    Risk,
    TraceStep,
)
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import DAY, HOUR, MINUTE, SECOND, Micros
from ratelord_core.model.window import Window
from ratelord_core.policy.trace import told
from ratelord_core.policy.verdict import PolicyVerdict

_FRACTION = "~"
"""Marks a fraction that is written as text, because event content holds no floats; a text that
begins with it is marked as well."""


def decision_of(intent_id: str, at: Micros, e: IntentDecided, policy_version: str) -> Decision:
    """The answer that an event records, given under that version of the policy."""
    # Typed by hand: a cast is a call, and this is done for every intent.
    verdict: Any = e.decision
    code: Any = e.reason_code
    allowed = verdict != "deny_with_reason"
    start = at + e.start
    changed = e.modifications or verdict == "approve_with_modifications"
    return Decision(
        intent_id=intent_id,
        decision=verdict,
        reason_code=code,
        reason=e.reason or _plain_reason(e),
        as_of=at,
        start_at=start if allowed else None,
        valid_until=at + e.until if allowed else None,
        modifications=_modifications(e) if changed else UNCHANGED,
        holds=_hold_lines(e.holds, at, start) if e.holds else (),
        decided_by=DecidedBy(*e.decided_by, e.overridable) if e.decided_by else None,
        warnings=e.warnings,
        retry_after=e.retry_after,
        risk=_risk(e) if e.risk else None,
        policy_version=policy_version,
        alternatives=tuple([read_back(each) for each in e.alternatives]) if e.alternatives else (),
    )


def _plain_reason(e: IntentDecided) -> str:
    if not e.holds:
        return "approved: this action draws from no pool"
    least = e.holds[0]
    for line in e.holds:
        if line.remaining < least.remaining:
            least = line
    return f"approved: {least.remaining} left in {least.pool}"


def _modifications(e: IntentDecided) -> Modifications:
    wait = e.start if e.decision == "approve_with_modifications" else 0
    if not wait and not e.modifications:
        return UNCHANGED
    return Modifications(wait=wait, **e.modifications)


def _hold_lines(held: Sequence[HeldLine], at: Micros, start: Micros) -> tuple[HoldLine, ...]:
    lines = []
    for line in held:
        reset_at = None if line.reset_in < 0 else at + line.reset_in
        until = start + line.lifetime
        lines.append(HoldLine(line.pool, line.units, line.remaining, reset_at, until))
    return tuple(lines)


def _risk(e: IntentDecided) -> Risk:
    line = _tightest_hold(e.holds, e.tightest)
    pool = line.pool if line else str(e.tightest or "")
    ttr = line.reset_in // 1000 if line and line.reset_in >= 0 else e.ttr
    p_exhaustion = e.risk[0] or 0
    if len(e.risk) == 1:
        return Risk(pool, p_exhaustion, None, None, None, ttr)
    p50, p90, p99 = (*e.risk[1:], None, None)[:3]
    return Risk(pool, p_exhaustion, p50, p90, p99, ttr)


def seen_risk(outlook: Forecast) -> tuple[int | None, ...]:
    """A forecast's numbers as they are recorded."""
    p_exhaustion = millionths(outlook.p_exhaustion)
    if outlook.tte_p99 == inf:  # then so are the others, which lie later still
        return (p_exhaustion,)
    bounds = (millis(outlook.tte_p50), millis(outlook.tte_p90), millis(outlook.tte_p99))
    return (p_exhaustion, *bounds) if bounds[2] is not None else (p_exhaustion,)


def tightest_of(pool: str | None, holds: Sequence[HeldLine]) -> int | str:
    """How a decision names its tightest pool: the place of its hold, or its key if it has none."""
    for place, line in enumerate(holds):
        if line.pool == pool:
            return place
    return pool or 0


def _tightest_hold(holds: Sequence[HeldLine], tightest: int | str) -> HeldLine | None:
    return holds[tightest] if type(tightest) is int and tightest < len(holds) else None


def untold(
    saw: Mapping[str, Any],
    holds: Sequence[HeldLine],
    tightest: int | str,
    risk: Sequence[int | None],
) -> dict[str, Any]:
    """What rules saw, as it is recorded: without what the same decision tells anyway."""
    if not saw:
        return {}
    told = _told(holds, tightest, risk)
    rest = {name: value for name, value in saw.items() if name not in told or told[name] != value}
    return written(rest) if rest else rest


def seen(e: IntentDecided) -> dict[str, Any]:
    """What rules saw, by name: as it is recorded, and what the rest of the decision tells."""
    return _told(e.holds, e.tightest, e.risk) | read_back(e.saw)


def _told(
    holds: Sequence[HeldLine], tightest: int | str, risk: Sequence[int | None]
) -> dict[str, Any]:
    told: dict[str, Any] = {}
    line = _tightest_hold(holds, tightest)
    if line is not None:
        told["remaining"] = line.remaining + line.units
    if risk and risk[0] is not None:
        told["risk.p_exhaustion"] = risk[0] / 1_000_000 if risk[0] else 0
    return told


def second_look(verdict: PolicyVerdict) -> SecondLook:
    """What the rules made of the way that was chosen instead, as it is recorded."""
    return SecondLook(verdict.looked, verdict.held, written(verdict.saw))


def told_again(
    document: Document, again: SecondLook | None, way: Mapping[str, Any]
) -> tuple[TraceStep, ...]:
    """Every rule that was looked at once more for the way that was chosen instead."""
    if again is None:
        return ()
    steps = told(document, again.looked, again.held, read_back(again.saw))
    return tuple(replace(step, way=next(iter(way), "")) for step in steps)


def written(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are recorded: event content holds no floats."""
    return {name: _written(value) for name, value in values.items()}


def read_back(values: Mapping[str, Any]) -> dict[str, Any]:
    """Recorded values as they were."""
    return {name: _read(value) for name, value in values.items()}


def _written(value: Any) -> Any:
    if isinstance(value, float):
        return f"{_FRACTION}{value:.6g}"
    if isinstance(value, str) and value.startswith(_FRACTION):
        return _FRACTION + value
    return written(value) if isinstance(value, dict) else value


def _read(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FRACTION):
        rest = value.removeprefix(_FRACTION)
        return rest if rest.startswith(_FRACTION) else float(rest)
    return read_back(value) if isinstance(value, dict) else value


def span_text(span: Micros) -> str:
    """A span for people: ``2.5 s``, ``3 min``, ``1.5 h``, ``12 days``."""
    if span <= 0:
        return "0 s"
    if span < SECOND // 1000:
        return "less than 1 ms"
    for unit, name in _UNITS:
        if span < 120 * unit:
            return f"{span / unit:.3g} {name}"
    return f"{span / DAY:.0f} days"


def ahead_text(window: Window, left: Micros | None = None) -> str:
    """How far a pool's forecast looks, for people: ``before its reset in 3 min`` if so much is
    ``left``. A window without a reset gives back all the time: it is looked at for its length."""
    if window.kind == "concurrency":
        return "before work that starts now ends"
    if window.kind not in _PERIODS and window.every is not None:
        return f"within {span_text(window.every)}"
    return "before its reset" if left is None else f"before its reset in {span_text(left)}"


_PERIODS = ("fixed", "calendar")
_UNITS = ((SECOND, "s"), (MINUTE, "min"), (HOUR, "h"))
