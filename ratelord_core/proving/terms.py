"""What a file of cases says, checked: given states, questions, expectations and their places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ratelord_core.model.forecast import Forecast
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent, Report


class Place(msgspec.Struct, frozen=True):
    """Where something was written; 1-based."""

    line: int
    column: int


class GivenPool(msgspec.Struct, frozen=True):
    """A pool as it stands when the case begins; None = as it is declared.

    ``used`` and ``held`` are units; ``by_agent`` are units used, by agent, beside them. ``age`` is
    how old the provider's numbers are, ``reset_in`` when they say that the window ends (µs).
    """

    place: Place
    limit: int | None = None
    used: int | None = None
    remaining: int | None = None
    held: int = 0
    by_agent: dict[str, int] = {}
    reset_in: Micros | None = None
    every: Micros | None = None
    unit: str | None = None
    age: Micros = 0


class Given(msgspec.Struct, frozen=True):
    """The state in which a case begins."""

    time: Micros
    seed: int = 0
    pools: dict[str, GivenPool] = {}
    identities: tuple[Identity, ...] = ()
    forecasts: dict[str, Forecast] = {}
    providers: dict[str, str] = {}
    system_status: str = "ok"
    risk_score: int = 0


class Between(msgspec.Struct, frozen=True):
    """A number that must lie between two bounds, both included."""

    least: float
    most: float


class Check(msgspec.Struct, frozen=True):
    """One thing that is expected: ``key`` is what the file calls it."""

    key: str
    wanted: Any
    place: Place


class Step(msgspec.Struct, frozen=True):
    """``after`` µs from the step before, ``times`` equal questions, ``every`` so many µs, and what
    is expected of each. ``report`` settles each that was approved, ``report_after`` its start."""

    place: Place
    intent: Intent
    checks: tuple[Check, ...] = ()
    after: Micros = 0
    times: int = 1
    every: Micros = 0
    report: Report | None = None
    report_after: Micros = 0


class Case(msgspec.Struct, frozen=True):
    """One case: a state, and questions one after another."""

    name: str
    place: Place
    given: Given
    steps: tuple[Step, ...]


class Suite(msgspec.Struct, frozen=True):
    """The cases of one file, and the policy file that they are about."""

    path: Path
    policy: Path
    cases: tuple[Case, ...]
