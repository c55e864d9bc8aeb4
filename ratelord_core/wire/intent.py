"""Asking and reporting as strangers write them: nulls allowed, spans in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ratelord_core.errors import FieldError
from ratelord_core.model.ids import uuid_bytes, uuid_text
from ratelord_core.model.instant import Micros, from_seconds
from ratelord_core.model.intent import Intent, Outcome, Report, Urgency
from ratelord_core.wire.faults import (
    Faults,
    are_names,
    check_amount,
    check_costs,
    check_id,
    check_provider,
    check_span,
    check_text,
    refuse,
    shown,
)
from ratelord_core.wire.fields import (
    Amount,
    Anything,
    Costs,
    Headers,
    Id,
    IntentId,
    ProviderId,
    Seconds,
    Text,
)

SECRET_HEADERS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "proxy-authenticate",
        "www-authenticate",
        "authentication-info",
        "cookie",
        "set-cookie",
        "x-api-key",
        "api-key",
        "x-auth-token",
        "x-amz-security-token",
    }
)
"""Headers that may hold a secret: dropped before anything else sees them."""
_NAMES: Final = ("agent_id", "identity_id", "workload_id", "scope_id")


class IntentRequest(msgspec.Struct, frozen=True):
    """The body of a question. ``null`` means absent; ``client_context`` is the asker's own, and
    kept nowhere."""

    agent_id: Annotated[Id, Meta(description="who asks")]
    identity_id: Annotated[Id, Meta(description="whose credential is used")]
    workload_id: Annotated[Id, Meta(description="what for")]
    scope_id: Annotated[Id, Meta(description="where")]
    urgency: Annotated[
        Urgency | None,
        Meta(description="default `normal`; `high` is shed last, `background` first"),
    ] = None
    expected_cost: Annotated[
        Amount | None, Meta(description="units, where no pool is named in `costs`")
    ] = None
    costs: Costs | None = None
    provider_id: Annotated[ProviderId | None, Meta(description="pins the provider")] = None
    pool_id: Annotated[Id | None, Meta(description="pins the pool; an unknown one is a 400")] = None
    model: Annotated[Text | None, Meta(description="selects prices, and pools of that model")] = (
        None
    )
    duration_hint: Annotated[
        Seconds | None, Meta(description="seconds that the hold must live")
    ] = None
    max_wait_seconds: Annotated[
        Seconds | None,
        Meta(description="the longest wait that would still help; 0 never waits; default 300"),
    ] = None
    idempotency_key: Annotated[
        Text | None,
        Meta(description="the same key from the same agent gets the first answer again"),
    ] = None
    renews: Annotated[
        IntentId | None, Meta(description="goes on with an earlier intent; denied means stop")
    ] = None
    dry_run: Annotated[bool | None, Meta(description="decide, hold nothing")] = None
    debug: Annotated[bool | None, Meta(description="fill in `trace`")] = None
    client_context: Annotated[
        Anything | None,
        Meta(description="yours, never kept; a budget may count by one of its values"),
    ] = None


class ReportRequest(msgspec.Struct, frozen=True):
    """The body of a report. ``headers`` are the provider's response headers, as they came."""

    outcome: Annotated[
        Outcome | None, Meta(description="default `success`; `cancelled` frees the hold")
    ] = None
    actual_cost: Annotated[
        Amount | None, Meta(description="what it really cost; without any: what was held")
    ] = None
    costs: Costs | None = None
    headers: Headers | None = None
    idempotency_key: Annotated[
        Text | None, Meta(description="taken for symmetry: the intent's id is the key already")
    ] = None


class OverrideRequest(msgspec.Struct, frozen=True):
    """The body of an override: who allows it, and why."""

    by: Annotated[Text | None, Meta(description="who allows it")] = None
    reason: Annotated[Text | None, Meta(description="why")] = None


class ExtendRequest(msgspec.Struct, frozen=True):
    """The body of an extension: seconds from now."""

    seconds: Annotated[
        Seconds,
        Meta(description="from now", extra_json_schema={"exclusiveMinimum": 0}),
    ]


def intent_of(asked: IntentRequest, *, key: str | None = None) -> Intent:
    """The question, checked. ``key`` is an idempotency key from beside the body, which rules.

    Raises ``InvalidRequest`` with every field that is wrong.
    """
    refuse(_intent_faults(asked))
    context = asked.client_context
    return Intent(
        asked.agent_id,
        asked.identity_id,
        asked.workload_id,
        asked.scope_id,
        asked.urgency or "normal",
        asked.expected_cost,
        asked.costs or {},
        asked.provider_id,
        asked.pool_id,
        asked.model,
        None if asked.duration_hint is None else from_seconds(asked.duration_hint),
        None if asked.max_wait_seconds is None else from_seconds(asked.max_wait_seconds),
        asked.idempotency_key or key,
        None if asked.renews is None else uuid_text(uuid_bytes(asked.renews)),
        asked.dry_run is True,
        asked.debug is True,
        "" if context is None else _digest(context, "run_id"),
        "" if context is None else _digest(context, "task_id"),
        context if isinstance(context, dict) else {},
    )


def _digest(context: object, name: str) -> str:
    """64 bits in hex of what the asker's context holds under a name: the context itself, which may
    hold secrets, goes no further. "" without a text or a number there."""
    said = context.get(name) if isinstance(context, dict) else None
    if not isinstance(said, (str, int)) or isinstance(said, bool) or said == "":
        return ""
    return sha256(str(said).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def report_of(told: ReportRequest) -> Report:
    """The report, checked; headers in lower case, without secrets."""
    refuse(_report_faults(told))
    return Report(
        told.outcome or "success", told.actual_cost, told.costs or {}, public_headers(told.headers)
    )


def check_override(asked: OverrideRequest) -> None:
    """Raise ``InvalidRequest`` for words that are too long for the log."""
    faults: Faults = []
    check_text(faults, "by", asked.by)
    check_text(faults, "reason", asked.reason)
    refuse(faults)


def extension_of(asked: ExtendRequest) -> Micros:
    """The span to extend by, checked."""
    refuse(_extend_faults(asked))
    return from_seconds(asked.seconds)


def public_headers(headers: Mapping[str, str | float | None] | None) -> dict[str, str]:
    """Response headers in lower case, without those that may hold secrets."""
    named = ((name.lower().strip(), value) for name, value in (headers or {}).items())
    return {
        name: _header_text(value)
        for name, value in named
        if value is not None and name not in SECRET_HEADERS
    }


def is_intent_id(text: str) -> bool:
    """Whether the text may be an intent's id."""
    try:
        uuid_bytes(text)
    except ValueError:
        return False
    return True


def check_headers(faults: Faults, field: str, headers: Mapping[str, Any] | None) -> None:
    """Not more headers than a server would send."""
    if headers is not None and len(headers) > 200:
        faults.append(FieldError(field, f"{len(headers)} headers; it takes at most 200"))


def _intent_faults(asked: IntentRequest) -> Faults:
    faults: Faults = []
    names = (asked.agent_id, asked.identity_id, asked.workload_id, asked.scope_id)
    if not are_names(names):
        for field, name in zip(_NAMES, names, strict=True):
            check_id(faults, field, name)
    _check_amounts(faults, asked)
    # Most say no more than that, and this is done for every intent: so nothing is called in vain.
    if asked.provider_id is not None:
        check_provider(faults, "provider_id", asked.provider_id)
    if asked.pool_id is not None:
        check_id(faults, "pool_id", asked.pool_id)
    if asked.model is not None:
        check_text(faults, "model", asked.model)
    if asked.idempotency_key is not None:
        check_text(faults, "idempotency_key", asked.idempotency_key)
    if asked.renews is not None and not is_intent_id(asked.renews):
        faults.append(FieldError("renews", f"{shown(asked.renews)} is not an intent_id"))
    return faults


def _check_amounts(faults: Faults, asked: IntentRequest) -> None:
    if asked.expected_cost is not None:
        check_amount(faults, "expected_cost", asked.expected_cost)
    if asked.costs:
        check_costs(faults, "costs", asked.costs)
    if asked.duration_hint is not None:
        check_span(faults, "duration_hint", asked.duration_hint)
    if asked.max_wait_seconds is not None:
        check_span(faults, "max_wait_seconds", asked.max_wait_seconds)


def _report_faults(told: ReportRequest) -> Faults:
    faults: Faults = []
    check_amount(faults, "actual_cost", told.actual_cost)
    check_costs(faults, "costs", told.costs)
    check_headers(faults, "headers", told.headers)
    check_text(faults, "idempotency_key", told.idempotency_key)
    return faults


def _extend_faults(asked: ExtendRequest) -> Faults:
    faults: Faults = []
    check_span(faults, "seconds", asked.seconds)
    if asked.seconds == 0:
        faults.append(FieldError("seconds", "0 extends nothing; give a positive number"))
    return faults


def _header_text(value: str | float) -> str:
    if isinstance(value, str):
        return value.strip()
    return str(int(value)) if value == int(value) else str(value)
