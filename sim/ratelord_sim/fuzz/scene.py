"""A random scenario: a whole file, with the laws that it is held to."""

from __future__ import annotations

from ratelord_sim.fuzz.dice import Dice, Tree
from ratelord_sim.fuzz.mishaps import LOSSES, faults, sabotage
from ratelord_sim.fuzz.people import people
from ratelord_sim.fuzz.places import STARTS, places
from ratelord_sim.fuzz.rules import policy

LAWS = {
    "over_admissions": "never over-admit",
    "leaks": "nothing leaks",
    "unlogged_answers": "every acknowledged answer is logged",
    "decided_twice": "a question that is repeated is one question",
    "replay_differs": "replay equals live",
    "neglected": "nobody starves",
}
"""What no scenario may break, whatever happens in it: metrics that must be 0, and why."""
HONEST = {"provider_refusals": "the provider never has to say no"}
"""What holds as well where nothing happens that the daemon cannot know of."""


def scene(seed: int, number: int) -> Tree:
    """The scenario with that number in a round with that seed. Half of them are clean: nothing in
    them excuses a provider's refusal."""
    dice = Dice(seed, number)
    clean = dice.maybe(0.5)
    seconds = dice.whole(5, 45)
    there = places(dice, clean=clean)
    broken = faults(dice, there, seconds, clean=clean)
    late = clean and any(fault["kind"] in LOSSES for fault in broken)
    made: Tree = {
        "name": f"round {seed}, scenario {number}",
        "seed": dice.whole(0, 2**31),
        "duration": f"{seconds}s",
        "start": dice.of(STARTS),
        "topology": {
            "providers": there.providers,
            "pools": there.pools,
            "workloads": there.workloads,
            "scopes": there.scopes,
        },
        "policy": policy(dice, there),
        "agents": people(dice, there, seconds, clean=clean, patient=late),
        "faults": broken,
    }
    if not clean:
        made["sabotage"] = sabotage(dice, there, seconds)
    if dice.maybe(0.3):
        made["daemon"] = _daemon(dice)
    laws = LAWS | (HONEST if clean else {})
    made["invariants"] = [
        {"metric": metric, "condition": "==", "value": 0, "why": why}
        for metric, why in laws.items()
    ]
    return {name: part for name, part in made.items() if part not in ({}, [])}


def _daemon(dice: Dice) -> Tree:
    return {
        "latency": dice.millis(0, 200),
        "commit": dice.millis(0, 200),
        "tick": dice.millis(50, 3000),
    }
