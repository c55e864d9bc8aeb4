"""Several scenarios at once, each in a process of its own; results come in the order asked for."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ratelord_core import parts
from ratelord_sim.play import Progress, play
from ratelord_sim.result import Result
from ratelord_sim.scenario.reader import read_file

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


def play_all(
    paths: Sequence[Path],
    *,
    seed: int | None = None,
    policy: Path | None = None,
    jobs: int | None = None,
) -> list[Result]:
    """Play them; a progress bar on a terminal. Every file is read before the first one plays."""
    loaded = parts.load()
    for path in paths:
        read_file(path, loaded, policy=policy)
    at_once = min(jobs or os.cpu_count() or 1, len(paths))
    with _bar() as bar:
        if at_once <= 1:
            return [_play(path, seed, policy, _ticker(bar, path)) for path in paths]
        task = bar.add_task(f"{len(paths)} scenarios", total=len(paths))
        # A fresh interpreter for each worker: nothing of ours is inherited half-made.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(at_once, mp_context=context) as workers:
            futures = [workers.submit(_play, path, seed, policy) for path in paths]
            for future in futures:
                future.add_done_callback(lambda _: bar.advance(task))
            return [future.result() for future in futures]


def _play(
    path: Path, seed: int | None, policy: Path | None, progress: Progress | None = None
) -> Result:
    loaded = parts.load()
    scenario = read_file(path, loaded, policy=policy)
    if seed is not None:
        scenario = replace(scenario, seed=seed)
    return play(scenario, loaded, progress)


def _ticker(bar: Bar, path: Path) -> Progress:
    task = bar.add_task(path.stem, total=1.0)
    return lambda part: bar.update(task, completed=part)


def _bar() -> Bar:
    from rich.console import Console  # noqa: PLC0415 - a worker shows nothing
    from rich.progress import Progress as Shown  # noqa: PLC0415 - as above

    return Shown(console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty())
