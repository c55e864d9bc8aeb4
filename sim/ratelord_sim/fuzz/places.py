"""Random providers, pools, workloads and scopes."""

from __future__ import annotations

import msgspec

from ratelord_sim.fuzz.dice import Dice, Tree

KINDS = ("fixed", "fixed", "calendar", "sliding", "bucket", "concurrency", "unbounded")
ZONES = ("UTC", "Europe/Madrid", "America/St_Johns", "Pacific/Auckland", "Africa/Cairo")
STARTS = (
    "2026-01-01T00:00:00Z",
    "2026-03-29T00:59:50Z",  # the clocks of Europe go forward ten seconds later
    "2026-10-25T00:59:45Z",  # and back
    "2026-04-23T21:59:40Z",  # midnight does not exist in Cairo
    "2026-06-30T23:59:30Z",
    "2028-02-28T23:59:20Z",
)
IDENTITIES = ("key:a", "key:b")


class Places(msgspec.Struct):
    """What there is: sections of a scenario, and the keys of pools by what they are."""

    providers: Tree
    pools: Tree
    caps: list[Tree]
    workloads: Tree
    scopes: dict[str, str]


def places(dice: Dice, *, clean: bool) -> Places:
    """Some providers with some pools each, caps of our own, and workloads that draw from them."""
    providers = {f"p{n}": _provider(dice, clean=clean) for n in range(dice.whole(1, 2))}
    pools: Tree = {}
    for name, provider in providers.items():
        for number in range(dice.whole(1, 2)):
            pools[f"{name}/q{number}"] = _pool(dice, provider, clean=clean)
    caps = [_cap(dice, number) for number in range(dice.whole(0, 2))]
    caps += [_override(dice, key) for key in pools if not clean and dice.maybe(0.05)]
    keys = [*pools, *(cap["id"] for cap in caps if "/" not in cap["id"])]
    workloads = {f"w{n}": _workload(dice, keys) for n in range(dice.whole(1, 2))}
    for shape in workloads.values():
        if dice.maybe(0.3):
            shape["degrade"] = dice.some([*workloads])
        if dice.maybe(0.3):
            shape["protocols"] = {"other": dice.of([*workloads])}
    scopes = {"env:s1": "org:acme", "org:acme": "global"} if dice.maybe(0.4) else {}
    return Places(providers, pools, caps, workloads, scopes)


def _provider(dice: Dice, *, clean: bool) -> Tree:
    made: Tree = {"poll_interval": dice.millis(1000, 15_000), "latency": dice.millis(0, 800)}
    if dice.maybe(0.3):
        made["identity"] = dice.of(IDENTITIES)
    if dice.maybe(0.2):
        made["headers"] = True
    if dice.maybe(0.2):
        made["silent"] = True
    if dice.maybe(0.2):
        # What every ledger waits out is a twentieth of the shortest window, or less.
        made["reset_jitter"] = dice.millis(1, 100) if clean else dice.millis(1, 3000)
    if not clean and dice.maybe(0.2):
        made["lag"] = dice.millis(10, 8000)
    return made


def _pool(dice: Dice, provider: Tree, *, clean: bool) -> Tree:
    window = _window(dice)
    kind = window["kind"]
    made: Tree = {"limit": dice.of((0, 1, 2, 3, 5, 8, 13, 20, 40)), "window": window}
    if kind == "unbounded":
        del made["limit"]
    elif dice.maybe(0.15) and not (clean and ("silent" in provider or kind == "concurrency")):
        made["used"] = dice.whole(0, made["limit"])
    if kind == "fixed" and dice.maybe(0.4):
        made["resets_in"] = dice.millis(200, 15_000)
    if dice.maybe(0.4):
        made["default"] = False
    return made


def _window(dice: Dice) -> Tree:
    kind = dice.of(KINDS)
    made: Tree = {"kind": kind}
    if kind in ("fixed", "sliding", "bucket"):
        made["every"] = dice.millis(2000, 20_000)
    if kind == "calendar":
        made["every"] = dice.of(("hour", "day", "week", "month"))
        made["timezone"] = dice.of(ZONES)
    if kind == "bucket" and dice.maybe(0.4):
        made["burst"] = dice.whole(1, 30)
    return made


def _cap(dice: Dice, number: int) -> Tree:
    made: Tree = {"id": f"cap{number}", "window": _window(dice)}
    if made["window"]["kind"] != "unbounded":
        made["limit"] = dice.of((1, 2, 5, 10, 30))
    if dice.maybe(0.3):
        made["shared_by"] = dice.some((*IDENTITIES, "agents-a-*", "agents-a-1"), 0.4) or ["*"]
    return made


def _override(dice: Dice, key: str) -> Tree:
    """A pool of a provider as the policy wants it."""
    made: Tree = {"id": key, "limit": dice.whole(1, 30)}
    if dice.maybe(0.5):
        made["window"] = _window(dice)
        if made["window"]["kind"] == "unbounded":
            del made["limit"]
    return made


def _workload(dice: Dice, keys: list[str]) -> Tree:
    costs = (0, 0.4, 1, 1, 2, 3.5)
    return {"consumes": {key: dice.of(costs) for key in dice.some(keys)}}
