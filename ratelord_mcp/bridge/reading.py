"""The client's answers as the arbiter's words: wire form back into records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import msgspec

import ratelord
from ratelord.readers import EventFilters
from ratelord_core.arbiter import EventFilter
from ratelord_core.errors import Finding, Unavailable
from ratelord_core.model.decision import (
    DecidedBy,
    Decision,
    HoldLine,
    Modifications,
    ReasonCode,
    Risk,
    TraceStep,
)
from ratelord_core.model.ids import pool_key
from ratelord_core.model.instant import Micros, from_seconds, to_text
from ratelord_core.model.intent import Intent
from ratelord_core.model.observation import Observation
from ratelord_core.wire.timestamp import read_timestamp

Kind = TypeVar("Kind")


def decision_of(wire: ratelord.Decision, now: Micros) -> Decision:
    """A decision as the arbiter's record. ``now`` dates one that the client made itself."""
    seen = wire.evaluation
    as_of = now if seen is None or seen.as_of_ts is None else read_timestamp(seen.as_of_ts)
    retry, rule = wire.retry_after_seconds, wire.decided_by
    return Decision(
        wire.intent_id,
        wire.decision,
        # A client without an answer has reasons of its own, which agents see as one.
        "daemon_unreachable" if wire.synthetic else cast("ReasonCode", wire.reason_code),
        wire.reason,
        as_of,
        start_at=_instant(wire.start_at),
        valid_until=_instant(wire.valid_until),
        modifications=_modifications(wire.modifications),
        holds=tuple(_hold(hold) for hold in wire.holds),
        decided_by=None if rule is None else DecidedBy(rule.policy_id, rule.rule, rule.overridable),
        warnings=wire.warnings,
        retry_after=None if retry is None else from_seconds(retry),
        risk=_risk(seen),
        policy_version=(seen and seen.policy_version) or "",
        alternatives=wire.alternatives,
        trace=msgspec.convert(wire.trace, tuple[TraceStep, ...]),
    )


def denial_of(error: Unavailable, now: Micros) -> Decision:
    """The decision when there is no daemon: whoever cannot reach it must not act."""
    return Decision(
        "",
        "deny_with_reason",
        "daemon_unreachable",
        str(error),
        now,
        retry_after=round(error.retry_after * 1e6),
    )


def record_of(plain: Any, kind: type[Kind]) -> Kind:
    """A reply as the record that a local arbiter would have given."""
    try:
        return msgspec.convert(plain, kind, from_attributes=True)
    except msgspec.ValidationError as error:
        raise Unavailable(
            f"the daemon's answer makes no sense here ({error}); are both of one version?",
            code="upstream_error",
        ) from None


def intent_body(intent: Intent) -> dict[str, Any]:
    """An intent in wire form."""
    body = msgspec.to_builtins(intent)
    for name, wire in (("duration", "duration_hint"), ("max_wait", "max_wait_seconds")):
        if name in body:
            body[wire] = body.pop(name) / 1e6
    for digest in ("run", "task"):  # the daemon makes them of the context, as for everybody
        body.pop(digest, None)
    if "context" in body:
        body["client_context"] = body.pop("context")
    return cast("dict[str, Any]", body)


def observation_body(seen: Observation) -> dict[str, Any]:
    """An observation's numbers in wire form; what the wire has no name for is left out."""
    body: dict[str, Any] = {"pool_id": seen.pool_id, "ts_event": to_text(seen.dated)}
    body |= {"limit": seen.limit, "used": seen.used, "remaining": seen.remaining}
    if seen.reset_at is not None:
        body["reset_at"] = to_text(seen.reset_at)
    return body


def filters_of(query: EventFilter) -> EventFilters:
    """Which events, as the client's arguments; ``newest_first`` and ``limit`` are a page's."""
    filters: EventFilters = {
        "after": query.after,
        "before": query.before,
        "type": ",".join(query.types) or None,
        "agent_id": query.agent_id,
        "identity_id": query.identity_id,
        "workload_id": query.workload_id,
        "scope_id": query.scope_id,
        "pool": query.pool,
        "since": None if query.since is None else to_text(query.since),
        "until": None if query.until is None else to_text(query.until),
    }
    return filters


def page_of(query: EventFilter) -> EventFilters:
    """The same for one page."""
    order = "desc" if query.newest_first else "asc"
    return filters_of(query) | {"order": order, "limit": query.limit}


def finding_of(error: Mapping[str, Any]) -> Finding:
    """What is wrong with a policy, from an entry of a problem's ``errors``."""
    return Finding(
        str(error.get("message", "")),
        int(error.get("line") or 0),
        int(error.get("column") or 0),
        str(error.get("field", "")),
        str(error.get("hint", "")),
    )


def _instant(text: str | None) -> Micros | None:
    return None if text is None else read_timestamp(text)


def _modifications(wire: ratelord.Modifications) -> Modifications:
    return Modifications(
        from_seconds(wire.wait_seconds),
        wire.identity_switch,
        wire.route,
        wire.protocol_switch,
        None if wire.max_cost is None else int(wire.max_cost),
        wire.degrade,
    )


def _hold(hold: ratelord.Hold) -> HoldLine:
    pool = pool_key(hold.provider_id, hold.pool_id)
    return HoldLine(
        pool, hold.units, hold.remaining, _instant(hold.reset_at), _instant(hold.expires_at) or 0
    )


def _risk(seen: ratelord.Evaluation | None) -> Risk | None:
    if seen is None or seen.tightest_pool is None or seen.risk is None:
        return None
    risk = seen.risk
    return Risk(
        seen.tightest_pool,
        round((risk.p_exhaustion or 0.0) * 1e6),
        _millis(risk.tte_p50_seconds),
        _millis(risk.tte_p90_seconds),
        _millis(risk.tte_p99_seconds),
        _millis(risk.ttr_seconds),
    )


def _millis(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
