"""Random policies: waits, denials, warnings, other ways, limits of their own, settings."""

from __future__ import annotations

from ratelord_sim.fuzz.dice import Dice, Tree
from ratelord_sim.fuzz.places import IDENTITIES, Places

_CONDITIONS = (
    "true",
    "remaining < 3",
    "remaining < 10",
    "intent.urgency == 'background'",
    "intent.agent_id == 'agents-a-1'",
    "risk.p_exhaustion > 0.6",
    "risk.level == 'critical'",
    "tte.p90 < 8",
    "cost > 4",
    "pool.remaining_percent < 30",
)
"""Few, so that each is compiled once."""
_WAYS = ("switch", "route", "switch_protocol", "degrade", "limit_cost")
_ACTIONS = ("delay", "delay", "defer", "deny", "warn", "approve", *_WAYS)
_SCOPES = ("global", "org:acme", "env:s1", "identity:key:a", "agent:agents-b-*", "pool:p0/q0")


def policy(dice: Dice, places: Places) -> Tree:
    """What the daemon is told."""
    made: Tree = {}
    if places.caps:
        made["pools"] = places.caps
    if dice.maybe(0.6):
        made["policies"] = [_policy(dice, places, number) for number in range(dice.whole(1, 2))]
    settings = _settings(dice)
    if settings:
        made["settings"] = settings
    return made


def _policy(dice: Dice, places: Places, number: int) -> Tree:
    scope = dice.of(_SCOPES)
    made: Tree = {"id": f"policy{number}", "scope": scope}
    if dice.maybe(0.2):
        made["type"] = "soft"
    if dice.maybe(0.2) and not scope.startswith("pool:"):
        made["limit"] = {
            "amount": dice.whole(1, 30),
            "window": {"kind": "fixed", "every": dice.millis(1000, 20_000)},
        }
    made["rules"] = [_rule(dice, places, n) for n in range(dice.whole(0, 2))]
    return made


def _rule(dice: Dice, places: Places, number: int) -> Tree:
    action = dice.of(_ACTIONS)
    if action == "switch_protocol" and not any(map(_has_protocol, places.workloads.values())):
        action = "degrade"  # a rule may name only what somebody declares
    made: Tree = {"name": f"rule{number}", "condition": dice.of(_CONDITIONS), "action": action}
    if action == "delay":
        made["params"] = {"wait_seconds": dice.number(0, 20)}
    elif action == "defer":
        made["params"] = {"jitter_max_seconds": dice.number(0, 5)}
    elif action == "deny" and dice.maybe(0.5):
        made["params"] = {"retry_after_seconds": dice.number(0, 10)}
    elif action in _WAYS:
        made["params"] = _way(dice, places, action)
    if dice.maybe(0.2):
        made["priority"] = dice.whole(-5, 5)
    return made


def _has_protocol(workload: Tree) -> bool:
    return "protocols" in workload


def _way(dice: Dice, places: Places, action: str) -> Tree:
    """How an action is done otherwise."""
    if action == "switch":
        return {"to": dice.some(IDENTITIES) or [dice.of(IDENTITIES)]}
    if action == "degrade":
        return {"to": dice.of([*places.workloads])} if dice.maybe(0.7) else {}
    if action == "switch_protocol":
        return {"to": "other"}
    if action == "limit_cost":
        return {"max_cost": dice.whole(1, 4)}
    targets = [_target(dice, key) for key in dice.some([*places.pools])]
    made: Tree = {"to": targets or [_target(dice, dice.of([*places.pools]))]}
    if dice.maybe(0.6):
        made["by"] = dice.of(("headroom", "weight", "order"))
    return made


def _target(dice: Dice, pool: str) -> Tree:
    provider_id, _, pool_id = pool.partition("/")
    made: Tree = {"provider": provider_id}
    if dice.maybe(0.5):
        made["pool"] = pool_id
    return made


def _settings(dice: Dice) -> Tree:
    made: Tree = {}
    if dice.maybe(0.7):
        made["forecast_model"] = "linear"  # the quickest: it is not forecasts that break laws
    if dice.maybe(0.3):
        made["high_reserve_percent"] = dice.of((0, 1, 20, 50, 100))
    if dice.maybe(0.2):
        made["default_max_wait"] = dice.millis(0, 120_000)
    if dice.maybe(0.1):
        made["drift_percent"] = dice.of((0, 1, 50))
    return made
