"""Bounds of windows that give back what was used, under demand that jumps: they hold as often as
they say."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from math import inf, pi, sin

import pytest

from ratelord_core import plugins
from ratelord_core.forecast import Burn, ForecastBook, Standing, course, passage
from ratelord_core.model.instant import MINUTE, SECOND, Micros
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window, WindowKind

MODELS = plugins.load().named("ratelord_register_forecast_models", "model_id")
START: Micros = 1_767_225_600 * SECOND
KEY, LIMIT, SECONDS = "p/x", 40, 3 * 3600.0

Load = Callable[[float], float]
LOADS: dict[str, Load] = {
    "thrice as much every 20 minutes": lambda t: 1.5 if int(t / 1200) % 2 else 0.5,
    "five times as much every 20 minutes": lambda t: 2.0 if int(t / 1200) % 2 else 0.4,
    "a short day": lambda t: 1.0 + 0.8 * sin(2.0 * pi * t / 3600.0),
}
"""How much of what comes back is asked for, on average."""


class Pond:
    """What is left of a pool of 40 a minute."""

    def __init__(self, kind: WindowKind) -> None:
        self.kind, self.at, self.level = kind, 0.0, float(LIMIT)
        self.used: deque[float] = deque()

    def left(self, t: float) -> int:
        while self.used and self.used[0] <= t:
            self.used.popleft()
        self.level = min(LIMIT, self.level + (t - self.at) * LIMIT / 60.0)
        self.at = t
        return int(self.level) if self.kind == "bucket" else LIMIT - len(self.used)

    def take(self) -> None:
        self.level -= 1.0
        self.used.append(self.at + 60.0)


def held(model: str, kind: WindowKind, load: Load, seed: int) -> list[tuple[bool, bool, bool]]:
    """Whether each bound held, of those that were quoted before the end of the next minute: every
    fifth who is let through asks. Who finds nothing is refused."""
    chance, pond = random.Random(seed), Pond(kind)
    book = ForecastBook(MODELS[model])
    window = Window(kind, every=MINUTE)
    book.declare(Pool("p", "x", limit=LIMIT, window=window), START, 0, None)
    found: list[tuple[bool, bool, bool]] = []
    waiting: deque[tuple[float, tuple[float, float, float]]] = deque()

    def settle(lasted_to: float, until: float) -> None:
        while waiting and waiting[0][0] <= until:
            since, (p50, p90, p99) = waiting.popleft()
            if p90 < inf:
                lasted = lasted_to - since
                found.append((lasted >= p50, lasted >= p90, lasted >= p99))

    t, asked = 0.0, 0
    while t < SECONDS:
        t += chance.expovariate(load(t) * LIMIT / 60.0)
        at, left = START + int(t * SECOND), pond.left(t)
        settle(inf, t - 60.0)
        if left >= 1:
            pond.take()
            if book.observe(KEY, at, 1):
                book.stood(KEY, at, left - 1, 1, waits=False)
        else:
            book.refused(KEY, at, room=False)
        if left <= 1:
            settle(t, t)
            continue
        asked += 1
        if asked % 5 == 0 and t > SECONDS / 4.0:
            said = book.outlook(KEY, at, Standing(left - 1))
            waiting.append((t, (said.tte_p50, said.tte_p90, said.tte_p99)))
    return found


@pytest.mark.parametrize("kind", ["sliding", "bucket"])
@pytest.mark.parametrize("model", ["ensemble", "gamma"])
def test_nine_of_ten_p90_bounds_hold_when_demand_jumps(model: str, kind: WindowKind) -> None:
    settled = [each for load in LOADS.values() for each in held(model, kind, load, seed=5)]
    p90, p99 = (sum(each[place] for each in settled) / len(settled) for place in (1, 2))

    assert len(settled) > 500
    assert 0.86 <= p90 <= 0.93
    assert p99 >= 0.93


def test_the_last_lump_is_gone_with_the_next_ask() -> None:
    one_left = course("bucket", 1.0, (1.0, 1.0), Burn(1.0, 1.0, 0.0, 1.0), 60.0, 1.0)
    _, (_, p90, _) = passage(*one_left[:5], returns=True)

    assert 0.05 < p90 < 0.12


def test_less_than_a_lump_is_never_more_than_a_lump() -> None:
    burn = Burn(1.0, 5.0, 0.1, 5.0)
    lefts = (0.1, 1.0, 4.9, 5.0, 5.1, 9.0, 500.0)
    levels = [course("sliding", 500.0, (9.0, each), burn, 60.0, 1.0).level for each in lefts]

    assert levels == sorted(levels)
    assert 0.0 < levels[0] < 0.1
    assert levels[-1] == 497.5
