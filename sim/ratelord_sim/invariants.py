"""Invariants: what a scenario says must hold, held against what was measured."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ratelord_sim.measure.metrics import METRICS, measured
from ratelord_sim.measure.world import World, view_of
from ratelord_sim.scenario.model import InvariantTerms

_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LAST = ("replay_differs", "leaks")
"""Metrics that let time pass for the daemon: asked for when all others are known."""


class Judged(msgspec.Struct, frozen=True):
    """An invariant and what became of it. ``actual`` None: there was nothing to measure, which
    keeps no promise."""

    metric: str
    scope: str
    condition: str
    expected: float
    actual: float | None
    passed: bool
    about: str
    why: str


def judge(wanted: Sequence[InvariantTerms], world: World) -> tuple[Judged, ...]:
    """Every invariant, in the order in which they are written."""
    order = sorted(range(len(wanted)), key=lambda n: _rank(wanted[n].metric))
    judged = {number: _judge(wanted[number], world) for number in order}
    return tuple(judged[number] for number in range(len(wanted)))


def _rank(metric: str) -> int:
    return _LAST.index(metric) + 1 if metric in _LAST else 0


def _judge(wanted: InvariantTerms, world: World) -> Judged:
    actual = measured(wanted.metric, view_of(world, wanted.scope))
    return Judged(
        metric=wanted.metric,
        scope=wanted.scope,
        condition=wanted.condition,
        expected=wanted.value,
        actual=actual,
        passed=actual is not None and _TESTS[wanted.condition](actual, wanted.value),
        about=METRICS[wanted.metric].about,
        why=wanted.why,
    )
