"""Random agents: how they ask, how they act, how honest they are."""

from __future__ import annotations

from ratelord_sim.fuzz.dice import Dice, Tree
from ratelord_sim.fuzz.places import IDENTITIES, Places

_NAMES = ("agents-a", "agents-b", "agents-c")


def people(dice: Dice, places: Places, seconds: int, *, clean: bool, patient: bool) -> list[Tree]:
    """Some groups of agents. ``patient`` ones keep what they hold for as long as it may take."""
    return [
        _group(dice, name, places, seconds, clean=clean, patient=patient)
        for name in _NAMES[: dice.whole(1, 3)]
    ]


def _group(
    dice: Dice, name: str, places: Places, seconds: int, *, clean: bool, patient: bool
) -> Tree:
    made: Tree = {"name": name, "count": dice.whole(1, 4), **_rhythm(dice, seconds)}
    if dice.maybe(0.5):
        made["workload"] = dice.of((*places.workloads, "unheard-of"))
    if dice.maybe(0.5):
        made["identity"] = dice.of(IDENTITIES)
    if dice.maybe(0.4):
        made["scope"] = dice.of(("env:s1", "org:acme", "repo:other"))
    if dice.maybe(0.4):
        made["priority"] = dice.of(("low", "high", "critical"))
    made |= _wishes(dice, places)
    made |= _work(dice, clean=clean, patient=patient)
    if not clean:
        made |= _vices(dice)
    return made


def _rhythm(dice: Dice, seconds: int) -> Tree:
    made: Tree = {
        "behavior": dice.of(("greedy", "periodic", "poisson", "bursty")),
        "rate": dice.of((0.1, 0.25, 0.5, 1, 2)),
    }
    if made["behavior"] == "bursty":
        made["burst"] = dice.whole(2, 12)
    if dice.maybe(0.4):
        made["together"] = True
    if dice.maybe(0.3):
        made["jitter"] = dice.millis(0, 2000)
    if dice.maybe(0.15):
        made["start"] = dice.millis(0, seconds * 700)
    if dice.maybe(0.15):
        made["stop"] = dice.millis(seconds * 300, seconds * 1000)
    return made


def _wishes(dice: Dice, places: Places) -> Tree:
    made: Tree = {}
    if dice.maybe(0.4):
        made["units"] = dice.of((0, 0.5, 1, 2, 3, 7))
    if dice.maybe(0.15):
        made["costs"] = {key: dice.of((0, 1, 2.5, 4)) for key in dice.some([*places.pools])}
    if dice.maybe(0.5):
        made["max_wait"] = dice.millis(0, 60_000)
    if dice.maybe(0.3):
        made["retries"] = dice.whole(1, 3)
    if dice.maybe(0.2):
        made["weight"] = dice.of((0.1, 0.5, 2, 10))
    return made


def _work(dice: Dice, *, clean: bool, patient: bool) -> Tree:
    work = dice.millis(0, 3000)
    made: Tree = {"work": work}
    if dice.maybe(0.3):
        made["honesty"] = dice.of((0, 0.5, 0.9))
    if dice.maybe(0.2):
        made["cancels"] = dice.of((0.2, 0.8, 1))
    if patient or not dice.maybe(0.5):
        return made
    least = int(work.removesuffix("ms")) + 2000 if clean else 1
    made["hint"] = dice.millis(least, least + 15_000)
    return made


def _vices(dice: Dice) -> Tree:
    """What lets the provider say no, whatever the daemon does."""
    made: Tree = {}
    if dice.maybe(0.25):
        made["obeys"] = dice.of((0, 0.5, 0.9, ["wait"], {"wait": 0.5, "identity_switch": 0}))
    if dice.maybe(0.3):
        made["spread"] = dice.of((0.2, 0.5, 1))
    return made
