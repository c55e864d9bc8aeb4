"""A round of the search: scenario after scenario, on some cores, each trouble shrunk once."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import count as endlessly
from itertools import islice

import msgspec

from ratelord_core import parts
from ratelord_sim.errors import ScenarioError
from ratelord_sim.fuzz.dice import Tree
from ratelord_sim.fuzz.scene import scene
from ratelord_sim.fuzz.shrink import shrink
from ratelord_sim.fuzz.trial import Outcome, try_tree

CHUNK = 25
"""Scenarios that a worker plays before it says how it went."""


class Wanted(msgspec.Struct, frozen=True):
    """A round: scenarios from number ``first`` on, at most ``count`` of them, until ``minutes`` are
    over (0 = no matter), ``jobs`` at a time. ``tries`` is how many smaller scenarios are played in
    order to show a trouble in a small one."""

    seed: int = 1
    first: int = 0
    count: int | None = None
    minutes: float = 0.0
    jobs: int = 1
    tries: int = 1000


class Finding(msgspec.Struct, frozen=True):
    """A trouble: the first scenario that showed it, and the smallest one that still does."""

    number: int
    signature: str
    said: str
    tree: Tree


class Round(msgspec.Struct):
    """How it went. ``next`` is the first number that was not played."""

    seed: int
    first: int
    played: int = 0
    findings: list[Finding] = []
    repeats: dict[str, int] = {}
    """How many more scenarios showed the same."""

    @property
    def next(self) -> int:
        return self.first + self.played


Progress = Callable[[Round], None]


def hunt(wanted: Wanted, progress: Progress = lambda _: None) -> Round:
    """Play the round. The findings are in the order of their numbers, whatever ``jobs`` is."""
    ends = time.monotonic() + 60 * wanted.minutes if wanted.minutes else None
    done = Round(wanted.seed, wanted.first)
    with _workers(wanted.jobs) as submit:
        for found in _in_order(_chunks(wanted), submit, ends, 2 * wanted.jobs):
            _note(done, found, submit, wanted.tries)
            progress(done)
    return done


Found = tuple[int, list[tuple[int, Outcome]]]
"""How many scenarios were played, and those that showed something."""
Submit = Callable[..., "Future[object]"]


def _note(done: Round, found: Found, submit: Submit, tries: int) -> None:
    played, shown = found
    done.played += played
    known = {finding.signature for finding in done.findings}
    for number, outcome in shown:
        if outcome.signature in known:
            done.repeats[outcome.signature] = done.repeats.get(outcome.signature, 0) + 1
            continue
        known.add(outcome.signature)
        tree = submit(shrunk, done.seed, number, outcome.signature, tries).result()
        assert isinstance(tree, dict)  # noqa: S101 - what it returns; a future does not say
        done.findings.append(Finding(number, outcome.signature, outcome.said, tree))


def _chunks(wanted: Wanted) -> Iterator[tuple[int, int, int]]:
    """Seed, first and one past the last number of each chunk."""
    last = None if wanted.count is None else wanted.first + wanted.count
    for begin in endlessly(wanted.first, CHUNK):
        if last is not None and begin >= last:
            return
        yield wanted.seed, begin, begin + CHUNK if last is None else min(last, begin + CHUNK)


def _in_order(
    chunks: Iterator[tuple[int, int, int]], submit: Submit, ends: float | None, ahead: int
) -> Iterator[Found]:
    """The results of all chunks, in their order; no new one is begun after the time is over."""
    under_way = [submit(play_chunk, *chunk) for chunk in islice(chunks, ahead)]
    while under_way:
        result = under_way.pop(0).result()
        if ends is None or time.monotonic() < ends:
            under_way += [submit(play_chunk, *chunk) for chunk in islice(chunks, 1)]
        yield result  # type: ignore[misc]  # what play_chunk returns


@contextmanager
def _workers(jobs: int) -> Iterator[Submit]:
    """Something that runs functions: here, one after the other, or in processes of their own."""
    if jobs <= 1:
        yield _here
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as workers:
        yield workers.submit


def _here(act: Callable[..., object], *arguments: object) -> Future[object]:
    done: Future[object] = Future()
    done.set_result(act(*arguments))
    return done


# --- in a worker ------------------------------------------------------------------------------


@cache
def _parts() -> parts.Parts:
    return parts.load()


def play_chunk(seed: int, first: int, last: int) -> Found:
    """Play the scenarios with these numbers."""
    shown = [(number, try_tree(scene(seed, number), _parts())) for number in range(first, last)]
    return last - first, [one for one in shown if one[1].signature]


def shrunk(seed: int, number: int, signature: str, tries: int) -> Tree:
    """The smallest scenario found that shows what this one does."""

    def shows(tree: Tree) -> bool:
        try:
            return try_tree(tree, _parts()).signature == signature
        except ScenarioError:
            return False

    tree = scene(seed, number)
    broken = signature.split()
    laws = [law for law in tree["invariants"] if law["metric"] in broken]
    only = {**tree, "invariants": laws}
    return shrink(only if shows(only) else tree, shows, tries)
