"""Every controller on every load, over several seeds, in several processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from ratelord_sim.contest.entrant import Entrant
from ratelord_sim.contest.round import Round, Task, play_round

LOADS = ("s21", "s22", "s23", "s24", "s25", "s27", "s28", "s29")
"""The shipped scenarios of delay controllers."""

Done = Callable[[int, int], None]
"""Hears how many rounds of how many are over."""


def contest(
    paths: Sequence[Path],
    entrants: Sequence[Entrant],
    seeds: Sequence[int],
    *,
    jobs: int | None = None,
    done: Done | None = None,
) -> list[Round]:
    """Load by load, controller by controller, seed by seed; the same rounds however many play at
    the same time."""
    tasks = [Task(path, one, seed) for path in paths for one in entrants for seed in seeds]
    at_once = min(jobs or os.cpu_count() or 1, len(tasks))
    if at_once <= 1:
        return _heard(map(play_round, tasks), len(tasks), done)
    # A fresh interpreter for each worker: nothing of ours is inherited half-made.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(at_once, mp_context=context) as workers:
        return _heard(workers.map(play_round, tasks), len(tasks), done)


def _heard(rounds: Iterable[Round], of: int, done: Done | None) -> list[Round]:
    found = []
    for one in rounds:
        found.append(one)
        if done is not None:
            done(len(found), of)
    return found
