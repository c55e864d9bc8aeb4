"""Makes a scenario that shows a trouble as small as it can be while it still shows it.

Delta debugging over the scenario's tree: parts are taken out, the large ones first, then numbers
and durations are made smaller, as long as anything helps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from ratelord_sim.fuzz.dice import Tree

Path = tuple[str | int, ...]
Shows = Callable[[Tree], bool]
"""Whether a tree still shows the trouble; False as well for what is no scenario."""

_SPAN = re.compile(r"(\d+)(ms|s)")
_KEPT = frozenset({"name", "behavior", "kind", "metric", "condition", "value", "id", "action"})
"""Keys without which their mapping would be something else."""


def shrink(tree: Tree, shows: Shows, most: int = 1000) -> Tree:
    """The smallest tree found with at most so many tries. The given one must show the trouble."""
    tries = _Tries(shows, most)
    while True:
        before = _size(tree)
        for candidates in (_without, _shorter, _smaller):
            tree = _exhaust(tree, candidates, tries)
        if _size(tree) == before or tries.left <= 0:
            return tree


class _Tries:
    """Asks, but no tree twice and not for ever."""

    def __init__(self, shows: Shows, most: int) -> None:
        self._shows = shows
        self._asked: set[str] = set()
        self.left = most

    def shows(self, tree: Tree) -> bool:
        text = json.dumps(tree)
        if self.left <= 0 or text in self._asked:
            return False
        self._asked.add(text)
        self.left -= 1
        return self._shows(tree)


def _exhaust(tree: Tree, candidates: Callable[[Tree], Iterator[Tree]], tries: _Tries) -> Tree:
    """Take the first candidate that still shows it, until there is none."""
    while True:
        found = next((one for one in candidates(tree) if tries.shows(one)), None)
        if found is None:
            return tree
        tree = found


def _size(tree: Tree) -> tuple[int, str]:
    text = json.dumps(tree)
    return len(text), text


# --- what to try ------------------------------------------------------------------------------


def _without(tree: Tree) -> Iterator[Tree]:
    """The tree without one of its parts, the largest parts first."""
    parts = [(len(json.dumps(_at(tree, path))), path) for path in _paths(tree)]
    for _, path in sorted(parts, key=lambda part: -part[0]):
        if path[-1] not in _KEPT and path != ("agents",):
            smaller = deepcopy(tree)
            del _at(smaller, path[:-1])[path[-1]]
            yield smaller


def _shorter(tree: Tree) -> Iterator[Tree]:
    """The tree with one of its durations shorter."""
    for path in _paths(tree):
        found = _SPAN.fullmatch(str(_at(tree, path)))
        if found is None:
            continue
        millis = int(found[1]) * (1000 if found[2] == "s" else 1)
        for fewer in _below(millis):
            text = f"{fewer // 1000}s" if fewer % 1000 == 0 else f"{fewer}ms"
            yield _with(tree, path, text)


def _smaller(tree: Tree) -> Iterator[Tree]:
    """The tree with one of its numbers smaller."""
    for path in _paths(tree):
        value = _at(tree, path)
        if isinstance(value, bool) or path[-1] == "value":
            continue
        if isinstance(value, int):
            yield from (_with(tree, path, fewer) for fewer in _below(value))
        elif isinstance(value, float) and value != int(value):
            yield _with(tree, path, int(value))


def _below(number: int) -> list[int]:
    """Numbers below one, and rounder ones, to try in this order."""
    round_ones = [number // unit * unit for unit in (10_000, 1000, 100, 10)]
    found = [0, 1, number // 2, *round_ones, number - 1]
    return [fewer for fewer in dict.fromkeys(found) if 0 <= fewer < number]


# --- trees ------------------------------------------------------------------------------------


def _paths(tree: Any, above: Path = ()) -> Iterator[Path]:
    """The path to every part of a tree."""
    inside: list[tuple[str | int, Any]] = []
    if isinstance(tree, dict):
        inside = list(tree.items())
    elif isinstance(tree, list):
        inside = list(enumerate(tree))
    for step, part in inside:
        yield (*above, step)
        yield from _paths(part, (*above, step))


def _at(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def _with(tree: Tree, path: Path, value: Any) -> Tree:
    changed = deepcopy(tree)
    _at(changed, path[:-1])[path[-1]] = value
    return changed
