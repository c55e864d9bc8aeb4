"""What may be looked at, each as the request that asks for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from msgspec.structs import replace

from ratelord.wire import Call, look, pool_path, segment


class EventFilters(TypedDict, total=False):
    """Which events: bounds of seq are exclusive; ``since``/``until`` are RFC 3339 times."""

    limit: int | None
    after: int | None
    before: int | None
    type: str | None
    agent_id: str | None
    identity_id: str | None
    workload_id: str | None
    scope_id: str | None
    pool: str | None
    since: str | None
    until: str | None
    order: str | None


def after(call: Call, page: object) -> Call | None:
    """What asks for the page that follows; None after the last."""
    following = page.get("next") if isinstance(page, dict) else None
    if not isinstance(following, str) or following == call.query.get("after"):
        return None
    return replace(call, query={**call.query, "after": following})


def live() -> Call:
    """Whether the daemon's process answers."""
    return look("/v1/health/live")


def health() -> Call:
    """How the daemon is."""
    return look("/v1/health")


def pools() -> Call:
    """Every pool."""
    return look("/v1/pools")


def pool(key: str) -> Call:
    """One pool."""
    return look(pool_path(key))


def forecasts(key: str | None, share: Mapping[str, str | None]) -> Call:
    """Forecasts of all pools, or of one; or of shares of them."""
    return look("/v1/forecasts", pool=key, **share)


def usage(
    identity_id: str | None, scope_id: str | None, key: str | None, agent_id: str | None
) -> Call:
    """Who used what."""
    return look(
        "/v1/usage", identity_id=identity_id, scope_id=scope_id, pool=key, agent_id=agent_id
    )


def constraints(who: Mapping[str, str | None]) -> Call:
    """What binds these names."""
    return look("/v1/constraints", **who)


def fit(key: str, units: int, within_seconds: float, agent_id: str | None) -> Call:
    """Whether so many units fit in time."""
    return look(
        "/v1/forecasts/fit",
        pool=key,
        units=units,
        within_seconds=math.ceil(within_seconds),
        agent_id=agent_id,
    )


def plan(intents: Sequence[Mapping[str, Any]]) -> Call:
    """How intents would be answered one after another."""
    return Call("POST", "/v1/plan", body={"intents": [dict(intent) for intent in intents]})


def events(filters: EventFilters) -> Call:
    """A page of the log."""
    return look("/v1/events", **_wire_names(filters))


def event_stream(filters: EventFilters) -> Call:
    """Events as they become durable."""
    return look("/v1/events", stream=True, **_wire_names(filters))


def explain(intent_id: str) -> Call:
    """An intent, its answer and why."""
    return look(f"/v1/intents/{segment(intent_id)}")


def identities() -> Call:
    """Every identity."""
    return look("/v1/identities")


def graph(format_: str, around: str | None) -> Call:
    """The constraint graph."""
    return look("/v1/graph", format=format_, around=around)


def graph_path(from_id: str, to_id: str) -> Call:
    """How two nodes of the constraint graph hang together."""
    return Call("GET", "/v1/graph/path", query={"from": from_id, "to": to_id})


def policy() -> Call:
    """The policy in force."""
    return look("/v1/policy")


def check_policy(text: str) -> Call:
    """Whether a document could come into force."""
    return Call("POST", "/v1/policy/check", body={"document": text})


def tool_mapping() -> Call:
    """What calls of tools are to the daemon."""
    return look("/v1/policy/tools")


def reload_policy() -> Call:
    """Read the policy file again."""
    return Call("POST", "/v1/policy/reload", body={})


def snapshot() -> Call:
    """Take a snapshot."""
    return Call("POST", "/v1/admin/snapshot", body={}, repeatable=False)


def verify() -> Call:
    """Prove the log."""
    return Call("POST", "/v1/admin/verify", body={}, repeatable=False)


def plugins() -> Call:
    """The daemon's plugins."""
    return look("/v1/plugins")


def metrics() -> Call:
    """Counters and gauges."""
    return look("/metrics")


def simulate(scenario: str | Mapping[str, Any], seed: int | None) -> Call:
    """Play a scenario, shipped or told, in a process beside the daemon."""
    body: dict[str, Any] = {"scenario": scenario}
    if seed is not None:
        body["seed"] = seed
    return Call("POST", "/v1/simulation", body=body, repeatable=False)


def simulation(simulation_id: str) -> Call:
    """How far a simulation is, and what came of it."""
    return look(f"/v1/simulation/{segment(simulation_id)}")


def simulations() -> Call:
    """The simulations that the daemon remembers."""
    return look("/v1/simulation")


def cancel_simulation(simulation_id: str) -> Call:
    """Break a simulation off, or forget one that is over."""
    return Call("DELETE", f"/v1/simulation/{segment(simulation_id)}", repeatable=False)


def begin_backtest(
    document: str | Mapping[str, Any], since: str | None, until: str | None, examples: int | None
) -> Call:
    """Replay the log against a policy, in a process beside the daemon."""
    said = {"document": document, "from": since, "to": until, "examples": examples}
    body = {name: value for name, value in said.items() if value is not None}
    return Call("POST", "/v1/policy/backtest", body=body, repeatable=False)


def backtest(backtest_id: str) -> Call:
    """How far a backtest is, and what came of it."""
    return look(f"/v1/policy/backtest/{segment(backtest_id)}")


def cancel_backtest(backtest_id: str) -> Call:
    """Break a backtest off, or forget one that is over."""
    return Call("DELETE", f"/v1/policy/backtest/{segment(backtest_id)}", repeatable=False)


def shadow() -> Call:
    """The policy beside the one in force."""
    return look("/v1/policy/shadow")


def begin_shadow(document: str | Mapping[str, Any]) -> Call:
    """Evaluate a policy beside the one in force."""
    return Call("POST", "/v1/policy/shadow", body={"document": document}, repeatable=False)


def end_shadow() -> Call:
    """Evaluate none beside it any more."""
    return Call("DELETE", "/v1/policy/shadow", repeatable=False)


def _wire_names(filters: EventFilters) -> dict[str, object]:
    unknown = sorted(set(filters) - EventFilters.__optional_keys__)
    if unknown:
        known = ", ".join(sorted(EventFilters.__optional_keys__))
        raise TypeError(f"events know no filter {unknown[0]!r}; they know {known}")
    renamed = {"since": "from", "until": "to"}
    return {renamed.get(name, name): value for name, value in filters.items()}
