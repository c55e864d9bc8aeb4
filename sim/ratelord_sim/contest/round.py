"""One controller on one load with one seed, and what is worth knowing of many such rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from statistics import fmean

import msgspec
from msgspec.structs import replace

from ratelord_core import parts
from ratelord_core.model.instant import SECOND
from ratelord_core.parts import Parts
from ratelord_sim.contest.entrant import Entrant, with_entrant
from ratelord_sim.measure.metrics import measured
from ratelord_sim.measure.numbers import six
from ratelord_sim.measure.world import World, view_of
from ratelord_sim.play import played
from ratelord_sim.scenario.reader import read_file


class Task(msgspec.Struct, frozen=True):
    """What is to be played."""

    path: Path
    entrant: Entrant
    seed: int


class Round(msgspec.Struct, frozen=True):
    """What came of it.

    ``used`` is the part of each pool's limit that was used when its windows ended, on average;
    ``refusals`` are those of providers, for each window of the shortest; ``fairness`` is Jain's
    index over the agents' units per weight; ``variation`` that of the pool that was used most (see
    the metric); ``wait`` the mean in seconds of those who were let in; ``over`` counts
    over-admissions.
    """

    load: str
    controller: str
    seed: int
    used: dict[str, float]
    refusals: float
    fairness: float | None
    variation: float | None
    wait: float | None
    over: int

    @property
    def fullest(self) -> float | None:
        """The part that was used of the pool that was used most."""
        return max(self.used.values(), default=None)


@lru_cache(maxsize=1)
def _parts() -> Parts:
    return parts.load()


def play_round(task: Task) -> Round:
    """Play it, with what is installed."""
    scenario = read_file(task.path, _parts())
    chosen = with_entrant(scenario, task.entrant, _parts().controllers)
    world = played(replace(chosen, seed=task.seed), _parts())
    return _measured(task, scenario.name, world)


def _measured(task: Task, load: str, world: World) -> Round:
    whole = view_of(world, "all")
    used, windows = {}, 1
    for key in world.pools:
        view = view_of(world, f"pool:{key}")
        share = measured("utilisation_mean", view)
        if share is not None:
            used[key] = share
            windows = max(windows, len(world.resets.endings[key]))
    busiest = max(used, key=used.__getitem__, default=None)
    steady = whole if busiest is None else view_of(world, f"pool:{busiest}")
    waits = whole.tally.waits
    return Round(
        load,
        task.entrant.name,
        task.seed,
        used,
        whole.tally.refused / windows,
        measured("fairness", whole),
        measured("variation", steady),
        six(fmean(waits) / SECOND) if waits else None,
        sum(world.audit.over.values()),
    )


def mean(rounds: Iterable[Round], of: Callable[[Round], float | None]) -> float | None:
    """The mean of a number over rounds that have it."""
    found = [value for one in rounds if (value := of(one)) is not None]
    return fmean(found) if found else None


def mean_used(rounds: Sequence[Round]) -> dict[str, float]:
    """What was used of each pool, on average."""
    return {pool: fmean(one.used[pool] for one in rounds) for pool in rounds[0].used}
