"""Several models on one trace: the same pools, the same origins, the same outcomes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from zlib import crc32

from ratelord_core.backtest.course import Course, course
from ratelord_core.backtest.imposed import impose
from ratelord_core.backtest.running import Nanoseconds, run
from ratelord_core.backtest.trace import PoolSpec, Trace
from ratelord_core.backtest.verdict import Part, Verdict, verdict
from ratelord_core.errors import PluginError, in_one_line
from ratelord_core.forecast import ForecastModelFactory

ALL = "all"
"""The name of all of a trace's pools together."""


class Comparison:
    """How models fare on a trace.

    ``wanted`` origins are taken for each pool; ``seed`` chooses them. ``reference`` is the model
    whose Brier score the others' skill is reckoned against.
    """

    def __init__(
        self,
        models: Mapping[str, ForecastModelFactory],
        reference: str,
        nanoseconds: Nanoseconds,
        *,
        wanted: int = 2400,
        seed: int = 0,
        blind: bool = False,
        poll: float | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._models, self._reference, self._nanoseconds = models, reference, nanoseconds
        self._wanted, self._seed, self._blind, self._poll = wanted, seed, blind, poll
        self._progress = progress

    def on(self, trace: Trace, pools: tuple[PoolSpec, ...]) -> list[Verdict]:
        """Verdicts on each pool, and on all of them together, by model."""
        parts: dict[tuple[str, str], list[Part]] = {}
        for pool in pools:
            for laid in self._courses(trace, pool):
                for name, factory in self._models.items():
                    self._progress(f"{trace.name} {pool.label} {name}")
                    try:
                        part = self._part(factory, laid)
                    except Exception as error:
                        raise _failed(name, trace, pool, error) from error
                    for label in (pool.label, ALL):
                        parts.setdefault((label, name), []).append(part)
        return list(self._verdicts(parts))

    def _part(self, factory: ForecastModelFactory, laid: Course) -> Part:
        model = factory.build(laid.pool.capacity, laid.pool.window)
        return laid.pool, *run(model, laid, self._nanoseconds, blind=self._blind)

    def _courses(self, trace: Trace, pool: PoolSpec) -> Iterator[Course]:
        for phase in range(pool.phases):
            chance = random.Random(
                crc32(f"{self._seed} {trace.name} {pool.label} {phase}".encode())
            )
            laid = impose(trace, pool, phase, self._poll)
            yield course(laid, max(1, self._wanted // pool.phases), chance)

    def _verdicts(self, parts: dict[tuple[str, str], list[Part]]) -> Iterator[Verdict]:
        labels = dict.fromkeys(label for label, _ in parts if label != ALL)
        for label in (*labels, ALL):
            against: float | None = None
            if (label, self._reference) in parts:
                held = parts[label, self._reference]
                against = self._verdict(label, self._reference, held, None).score.brier
            for name in self._models:
                yield self._verdict(label, name, parts[label, name], against)

    def _verdict(self, label: str, name: str, parts: list[Part], against: float | None) -> Verdict:
        return verdict(label, name, parts, random.Random(self._seed), against)


def _failed(name: str, trace: Trace, pool: PoolSpec, error: Exception) -> PluginError:
    return PluginError(
        f"forecast model {name} failed on pool {pool.label} of trace {trace.name} with "
        f"{in_one_line(error)}; mend that plugin, or name another --model"
    )
