"""Random faults and hidden spending."""

from __future__ import annotations

from ratelord_sim.fuzz.dice import Dice, Tree
from ratelord_sim.fuzz.places import Places

LOSSES = frozenset({"crash", "network_loss", "duplicates"})
"""Faults after which clients may act later than they were told."""


def faults(dice: Dice, places: Places, seconds: int, *, clean: bool) -> list[Tree]:
    """Up to three things that break."""
    count = dice.of((0, 0, 1, 1, 2, 3))
    made = [_fault(dice, places, seconds, clean=clean) for _ in range(count)]
    kinds = {fault["kind"] for fault in made}
    if clean and {"crash", "clock_step"} <= kinds:
        # A daemon that starts anew has only the wall clock to believe.
        made = [fault for fault in made if fault["kind"] != "clock_step"]
    return made


def _fault(dice: Dice, places: Places, seconds: int, *, clean: bool) -> Tree:
    kind = dice.of(
        ("crash", "crash", "clock_step", "outage", "slow_polls", "network_loss", "duplicates")
    )
    made: Tree = {"kind": kind, "at": dice.millis(1000, seconds * 1000)}
    if kind == "clock_step":  # three of them are less than a day: keys are remembered that long
        made["by"] = dice.of(("-1h", "-5s", "-1ms", "1ms", "3s", "61s", "1h", "7h"))
        return made
    made["duration"] = dice.millis(1, 12_000)
    if kind in ("outage", "slow_polls") and dice.maybe(0.5):
        made["target"] = dice.of([*places.providers])
    if kind == "outage":
        made["on"] = dice.of(("both", "calls", "polls"))
        made["status"] = dice.of(("503", "500", "timeout") if clean else ("503", "429", "timeout"))
        if dice.maybe(0.3):
            made["retry_after"] = dice.millis(0, 20_000)
    if kind == "slow_polls":
        made["latency"] = dice.millis(100, 15_000)
    if kind in ("network_loss", "duplicates"):
        made["share"] = dice.of((0.1, 0.5, 1))
    if kind == "network_loss":
        made["direction"] = dice.of(("both", "requests", "replies"))
    return made


def sabotage(dice: Dice, places: Places, seconds: int) -> list[Tree]:
    """Somebody who spends in secret, sometimes."""
    if not dice.maybe(0.25):
        return []
    made: Tree = {
        "target": dice.of([*places.pools]),
        "amount": dice.whole(1, 6),
        "interval": dice.millis(200, 5000),
    }
    if dice.maybe(0.5):
        made["start"] = dice.millis(0, seconds * 1000)
    return [made]
