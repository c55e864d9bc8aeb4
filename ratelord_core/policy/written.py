"""A checked document put back into the form of a policy file: what it shows can be read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ratelord_core.model.config import (
    Document,
    PolicyConfig,
    ProviderConfig,
    RuleConfig,
    TimeWindow,
    ToolConfig,
)
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import DAY, HOUR, MINUTE, SECOND, Micros, to_text
from ratelord_core.model.pool import WHOLE, Pool, Share
from ratelord_core.model.window import Window
from ratelord_core.policy.document import content

_UNITS: Final = ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (1000, "ms"), (1, "us"))
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PERCENT: Final = WHOLE // 100
_SPANS: Final = ("default_max_wait", "hold_ttl", "concurrency_ttl", "idempotency_ttl")


def as_written(document: Document) -> dict[str, Any]:
    """The document as a policy file would say it, without what equals its default.

    Read again it gives a document of the same version. Limits of policies stand with their
    policies, not among the pools that they make.
    """
    own = [_pool(pool) for pool in document.pools if pool.provider_id != "policy"]
    overrides = [
        _filled(
            id=one.key,
            unit=one.unit,
            limit=one.limit,
            window=_window(one.window),
            reserve=_reserve(one.reserve),
            shares=_shares(one.shares),
        )
        for one in document.overrides
    ]
    topology = document.topology
    return _filled(
        providers=_providers(document.providers),
        pools=own + overrides,
        identities=[_identity(one) for one in topology.identities],
        workloads=content(topology.workloads),
        scopes=dict(topology.scopes),
        agents=content(topology.agents),
        pricing=document.pricing,
        units=document.units,
        policies=[_policy(policy) for policy in document.policies],
        tools=[_tool(one) for one in document.tools],
        settings=_with_spans(content(document.settings), _SPANS),
        retention=_retention(content(document.retention)),
    )


def span_text(span: Micros) -> str:
    """The span in the largest unit that says it exactly: ``60_000_000`` is ``1m``."""
    size, name = next(each for each in _UNITS if span % each[0] == 0)
    return f"{span // size}{name}"


def _filled(**entries: Any) -> dict[str, Any]:
    return {
        key: value for key, value in entries.items() if value is not None and value not in ({}, [])
    }


def _providers(accounts: tuple[ProviderConfig, ...]) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {}
    for account in accounts:
        interval = account.poll_interval
        entry = _filled(
            id=account.id,
            identity=account.identity,
            poll_interval=None if interval is None else span_text(interval),
            secret_ref=account.secret_ref,
        )
        found.setdefault(account.plugin, []).append(entry | content(account.options))
    return found


def _pool(pool: Pool) -> dict[str, Any]:
    return _filled(
        id=pool.key,
        unit=pool.unit,
        limit=pool.limit,
        window=_window(pool.window),
        members=list(pool.members),
        shared_by=list(pool.shared_by),
        default=None if pool.default else False,
        per=pool.per or None,
        reserve=_reserve(pool.reserve),
        shares=_shares(pool.shares),
    )


def _reserve(part: int | None) -> dict[str, Any] | None:
    return None if part is None else {"urgency": "high", "percent": _percent(part)}


def _shares(shares: tuple[Share, ...]) -> dict[str, Any]:
    return {
        share.of: _filled(
            least=_percent(share.least) if share.least else None,
            most=None if share.most is None else _percent(share.most),
        )
        for share in shares
    }


def _percent(part: int) -> int | float:
    return part // _PERCENT if part % _PERCENT == 0 else part / _PERCENT


def _window(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    if window.kind == "calendar":
        return {"kind": "calendar", "every": window.unit, "timezone": window.timezone}
    return _filled(
        kind=window.kind,
        every=None if window.every is None else span_text(window.every),
        reset_at=None if window.anchor is None else to_text(window.anchor),
        burst=window.burst,
    )


def _identity(identity: Identity) -> dict[str, Any]:
    plain: dict[str, Any] = content(identity)
    named = {"id": plain.pop("identity_id")}
    if "provider_id" in plain:
        named["provider"] = plain.pop("provider_id")
    return named | plain


def _policy(policy: PolicyConfig) -> dict[str, Any]:
    limit: Any = policy.limit
    if limit is not None:
        more = _filled(
            window=_window(policy.limit_window),
            per=policy.limit_per or None,
            reserve=_reserve(policy.limit_reserve),
        )
        if more or policy.limit_unit != "requests":
            limit = {"amount": limit, "unit": policy.limit_unit, **more}
    return _filled(
        id=policy.id,
        scope=policy.scope,
        type=policy.type,
        limit=limit,
        rules=[_rule(rule) for rule in policy.rules],
    )


def _rule(rule: RuleConfig) -> dict[str, Any]:
    plain: dict[str, Any] = content(rule)
    if rule.time_window is not None:
        plain["time_window"] = _hours(rule.time_window)
    return plain


def _tool(one: ToolConfig) -> dict[str, Any]:
    plain = _with_spans(content(one), ("max_wait",))
    named = {"provider_id": "provider", "pool_id": "pool"}
    return {named.get(key, key): value for key, value in plain.items()}


def _hours(window: TimeWindow) -> dict[str, Any]:
    return _filled(
        start_time=_time_of_day(window.start_minute),
        end_time=_time_of_day(window.end_minute),
        days=[_DAYS[day] for day in window.days],
        location=window.timezone,
    )


def _time_of_day(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _retention(plain: dict[str, Any]) -> dict[str, Any]:
    if "by_type" in plain:
        plain["by_type"] = _with_spans(plain["by_type"], plain["by_type"])
    return _with_spans(plain, ("default_ttl", "check_interval"))


def _with_spans(plain: Mapping[str, Any], spans: Any) -> dict[str, Any]:
    return {
        key: span_text(value) if key in spans and isinstance(value, int) else value
        for key, value in plain.items()
    }
