"""The names that a condition may use: one table for the compiler, the run time and the docs."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Literal

import msgspec

from ratelord_core.model.instant import SECOND
from ratelord_core.model.spent import Spent
from ratelord_core.policy.view import View

Kind = Literal["number", "text", "flag", "labels"]

_RESET_IS_NEAR = SECOND


class Variable(msgspec.Struct, frozen=True):
    """A name, what kind of value it holds, its unit, what it means, and where it is found."""

    name: str
    kind: Kind
    unit: str
    doc: str
    find: Callable[[View], Any]


def _number(name: str, unit: str, doc: str, find: Callable[[View], float]) -> Variable:
    return Variable(name, "number", unit, doc, find)


def _text(name: str, doc: str, find: Callable[[View], str | None]) -> Variable:
    return Variable(name, "text", "", doc, find)


def _flag(name: str, doc: str, find: Callable[[View], bool]) -> Variable:
    return Variable(name, "flag", "", doc, find)


def _labels(name: str, doc: str, find: Callable[[View], dict[str, str]]) -> Variable:
    return Variable(name, "labels", "", doc, find)


def _margin(view: View) -> float:
    margin = view.outlook.margin
    return math.inf if math.isnan(margin) else margin


def _is_resetting(view: View) -> bool:
    reset_at = view.pool.reset_at
    return reset_at is not None and reset_at - view.situation.now <= _RESET_IS_NEAR


def _sums(whose: str) -> tuple[Variable, ...]:
    """What was taken so far in the name of the asker's run or task."""

    def spent(view: View) -> Spent:
        return view.situation.spent(whose)

    named = f"approved so far in the {whose} that `client_context.{whose}_id` names"
    return (
        _number(f"{whose}.requests", "intents", named, lambda v: spent(v).requests),
        _number(f"{whose}.units", "units", "the largest draws of those", lambda v: spent(v).units),
        _number(f"{whose}.cost", "micro-USD", "the same in money", lambda v: spent(v).cost),
    )


_ASKED = (
    _text("intent.agent_id", "who asks", attrgetter("intent.agent_id")),
    _text("intent.identity_id", "which credential is charged", attrgetter("intent.identity_id")),
    _text("intent.workload_id", "what kind of work", attrgetter("intent.workload_id")),
    _text("intent.scope_id", "where", attrgetter("intent.scope_id")),
    _text("intent.urgency", "`high`, `normal` or `background`", attrgetter("intent.urgency")),
    _number(
        "intent.expected_cost",
        "units",
        "what the asker expects; the estimate if it does not say",
        lambda v: v.expected_cost,
    ),
    _number("intent.units", "units", "what it draws from the pool", lambda v: v.units),
    _number(
        "intent.estimated_cost",
        "micro-USD",
        "what it is expected to cost; without a price, its largest draw in units",
        lambda v: v.estimated_cost,
    ),
    _text("intent.model", "the model it names, or empty", attrgetter("intent.model")),
    _text("intent.provider_id", "the provider it pins, or empty", attrgetter("intent.provider_id")),
    _text("intent.pool_id", "the pool it pins, or empty", attrgetter("intent.pool_id")),
)

_WHO = (
    _text("agent.id", "the agent's id", attrgetter("intent.agent_id")),
    _text("agent.role", "its role, or empty", lambda v: v.agent.role),
    _number("agent.weight", "ratio", "its weight in fair shares", lambda v: v.agent.weight),
    _number("agent.priority", "rank", "its priority, 0 if none", lambda v: v.agent.priority),
    _number(
        "agent.burn_rate_share",
        "ratio",
        "the agent's part of what is used and held in the pool's present window",
        lambda v: v.share(0),
    ),
    _labels("agent.labels", "its labels", lambda v: v.agent.labels),
    _text("identity.id", "the identity's id", attrgetter("intent.identity_id")),
    _text("identity.kind", "its kind; empty if unknown", lambda v: v.known_as.kind),
    _text(
        "identity.status",
        "`active`, `quarantined`, `revoked` or `unknown`",
        lambda v: v.known_as.status if v.identity else "unknown",
    ),
    _text("identity.owner", "its owner, or empty", lambda v: v.known_as.owner),
    _labels(
        "identity.labels",
        "its labels",
        lambda v: v.known_as.labels,
    ),
    _text(
        "identity.trust_level",
        "its trust level, or empty",
        lambda v: v.known_as.trust_level,
    ),
    _number(
        "identity.burn_rate_share",
        "ratio",
        "the identity's part of what is used and held in the pool's present window",
        lambda v: v.share(1),
    ),
    _text("scope.id", "the intent's scope", attrgetter("intent.scope_id")),
    _text(
        "scope.kind", "what stands before its colon: `repo`, `org`, …", lambda v: v.scope_part(0)
    ),
    _text("scope.name", "what stands after its colon", lambda v: v.scope_part(2)),
    _text("scope.parent", "the scope right above it; empty of `global`", lambda v: v.parent),
    _text("scope.repo", "the nearest `repo:…`, itself or above it", lambda v: v.scope("repo")),
    _text("scope.env", "the nearest `env:…`", lambda v: v.scope("env")),
    _text("scope.org", "the nearest `org:…`", lambda v: v.scope("org")),
    _number("scope.depth", "scopes", "scopes above it", lambda v: len(v.situation.scopes) - 1),
    _number(
        "scope.burn_rate_share",
        "ratio",
        "the scope's part of what is used and held in the pool's present window",
        lambda v: v.share(2),
    ),
)

_POOL = (
    _text(
        "pool.id", "the pool's key, `provider_id/pool_id`; empty without a pool", lambda v: v.focus
    ),
    _text("pool.provider_id", "its provider", lambda v: v.provider_id),
    _text("pool.unit", "what it counts", lambda v: v.pool.unit),
    _number(
        "pool.remaining",
        "units",
        "available before this intent; infinite while no limit is known",
        attrgetter("remaining"),
    ),
    _number(
        "pool.remaining_percent", "percent", "the same of the limit", lambda v: v.remaining_percent
    ),
    _number("pool.utilization", "ratio", "used and held of the limit", lambda v: v.utilization),
    _number("pool.limit", "units", "its limit; infinite while unknown", lambda v: v.limit),
    _number("pool.used", "units", "used in this window", lambda v: v.pool.used),
    _number("pool.held", "units", "held by approved intents", lambda v: v.pool.held),
    _flag("pool.is_resetting", "its reset is due within one second", _is_resetting),
    _number(
        "pool.seconds_to_reset",
        "seconds",
        "until its reset; infinite if none is known",
        lambda v: v.seconds_to_reset,
    ),
    _number("pool.staleness", "seconds", "age of the provider's data", lambda v: v.pool.staleness),
    _flag("pool.stale", "that data is too old to be relied on", lambda v: v.pool.stale),
    _text(
        "pool.provider_state",
        "how its provider fares: `initializing`, `healthy`, `degraded` (polls fail) or `open` "
        "(they failed so often that it is left alone); empty for a pool that nobody polls",
        lambda v: v.situation.provider_state(v.focus) if v.focus else "",
    ),
)

_AHEAD = (
    _number(
        "risk.p_exhaustion",
        "probability",
        "that the pool runs dry before its reset, with this intent",
        lambda v: v.outlook.p_exhaustion,
    ),
    _text(
        "risk.level", "`ok`, `warn`, `critical` or `unknown`, with this intent", lambda v: v.level
    ),
    _number(
        "tte.p50", "seconds", "it lasts this long in half of all cases", lambda v: v.outlook.tte_p50
    ),
    _number(
        "tte.p90", "seconds", "it lasts this long in 90 % of all cases", lambda v: v.outlook.tte_p90
    ),
    _number(
        "tte.p99", "seconds", "it lasts this long in 99 % of all cases", lambda v: v.outlook.tte_p99
    ),
    _number("margin.seconds", "seconds", "`tte.p99` less the time to the reset", _margin),
    _number("forecast.burn_rate", "units per second", "mean demand", lambda v: v.outlook.burn_mean),
    _number(
        "forecast.burn_variance",
        "units² per second²",
        "variance of the demand",
        lambda v: v.outlook.burn_variance,
    ),
    _number("forecast.time_to_reset", "seconds", "as the forecast saw it", lambda v: v.outlook.ttr),
    _number(
        "forecast.freshness", "seconds", "age of what it rests on", lambda v: v.outlook.freshness
    ),
    _text("forecast.model", "the model that made it", lambda v: v.outlook.model_id),
)

_SPENT = (
    _number(
        "cost.estimated",
        "micro-USD",
        "what it is expected to cost; 0 without a price",
        lambda v: v.situation.cost or 0,
    ),
    _number(
        "cost.accumulated",
        "micro-USD",
        "what the agent has cost so far",
        lambda v: v.situation.spent("agent").cost,
    ),
    _number(
        "cost.window",
        "micro-USD",
        "used and held by all in the present window of the money pool it draws from",
        lambda v: v.money.used + v.money.held,
    ),
    *_sums("run"),
    *_sums("task"),
)

_WORLD = (
    _number("time.now", "seconds", "since 1970, for functions", lambda v: v.situation.now / SECOND),
    _number("time.hour", "hours", "0 to 23", lambda v: v.moment.hour),
    _number("time.minute", "minutes", "0 to 59", lambda v: v.moment.minute),
    _number("time.weekday", "days", "0 = Monday to 6 = Sunday", lambda v: v.moment.weekday()),
    _number("time.day", "days", "1 to 31, the day of the month", lambda v: v.moment.day),
    _number("time.month", "months", "1 to 12", lambda v: v.moment.month),
    _flag("time.is_weekend", "Saturday or Sunday", lambda v: v.is_weekend),
    _flag(
        "time.is_business_hours",
        "Monday to Friday, 9:00 to 17:00",
        lambda v: v.is_business_hours,
    ),
    _text("system.status", "`ok`, `warning` or `critical`", lambda v: v.situation.system_status),
    _flag(
        "system.degraded",
        "polls, a forecast model or a controller fail",
        lambda v: v.situation.degraded,
    ),
    _number(
        "system.risk_score", "0 to 100", "risk over all pools", lambda v: v.situation.risk_score
    ),
)

_SHORT = (
    _number("remaining", "units", "short for `pool.remaining`", attrgetter("remaining")),
    _number("cost", "micro-USD", "short for `intent.estimated_cost`", lambda v: v.estimated_cost),
    _number("forecast_tte", "seconds", "short for `tte.p90`", lambda v: v.outlook.tte_p90),
    _text("provider_id", "short for `pool.provider_id`", lambda v: v.provider_id),
)

VARIABLES: dict[str, Variable] = {
    variable.name: variable
    for variable in (*_ASKED, *_WHO, *_POOL, *_AHEAD, *_SPENT, *_WORLD, *_SHORT)
}
"""Every variable by name, in the order in which the docs list them."""
