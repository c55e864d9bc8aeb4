"""Plays one tree and tells which laws it broke."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

import msgspec

from ratelord_core.parts import Parts
from ratelord_sim.errors import ScenarioError
from ratelord_sim.fuzz.dice import Tree
from ratelord_sim.play import judged_play
from ratelord_sim.scenario.reader import read_scenario


class Outcome(msgspec.Struct, frozen=True):
    """What became of a tree. ``broken`` names the metrics of laws that do not hold; ``fault`` is
    the exception that ended the play, and where; ``said`` is for people."""

    broken: tuple[str, ...] = ()
    fault: str = ""
    said: str = ""

    @property
    def signature(self) -> str:
        """What is wrong, in so many words; "" if nothing is. Trees with equal ones are held to show
        the same trouble."""
        return self.fault or " ".join(self.broken)


def try_tree(tree: Tree, parts: Parts) -> Outcome:
    """Read and play it. Raises ``ScenarioError`` if it is no scenario."""
    scenario = read_scenario(json.dumps(tree), "scenario", parts, Path())
    try:
        judged = judged_play(scenario, parts)
    except ScenarioError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        return Outcome(fault=_place(error), said=f"{type(error).__name__}: {error}")
    failed = [one for one in judged if not one.passed]
    said = "; ".join(f"{one.metric} is {one.actual:g}: {one.why}" for one in failed)
    return Outcome(tuple(one.metric for one in failed), said=said)


def _place(error: BaseException) -> str:
    """The exception and the function that raised it: lines move, functions rarely do."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}:{last.name}"
