"""Reading a trace: a CSV of real requests, each agent's part of it."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from ratelord_core.errors import Finding
from ratelord_core.model.instant import Micros, from_seconds
from ratelord_sim.errors import ScenarioError
from ratelord_sim.scenario.model import AgentTerms

Rows = tuple[tuple[Micros, float | None], ...]
TIME = "seconds_since_start"


def parts_of_trace(group: AgentTerms, folder: Path) -> list[Rows]:
    """The trace of a group, dealt out to its agents: by the column ``agent`` where there is one,
    else in turn. ``column`` names what tells units (``units``, ``tokens`` = in + out, …)."""
    file = folder / str(group.trace)
    dealt: list[list[tuple[Micros, float | None]]] = [[] for _ in range(group.count)]
    for number, (seconds, agent, units) in enumerate(_rows(file, group)):
        whose = (number if agent is None else agent) % group.count
        dealt[whose].append((from_seconds(seconds / group.speed), units))
    return [tuple(rows) for rows in dealt]


def _rows(file: Path, group: AgentTerms) -> Iterator[tuple[float, int | None, float | None]]:
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        known = reader.fieldnames or []
        if TIME not in known:
            raise _bad(file, 1, f"there is no column {TIME!r}")
        wanted = group.column
        if wanted is not None and wanted not in _columns(known):
            raise _bad(file, 1, f"there is no column {wanted!r}; it has {', '.join(known)}")
        before = 0.0
        for row in reader:
            try:
                seconds, agent = float(row[TIME]), row.get("agent")
                found = (seconds, int(agent) if agent else None, _units(row, wanted))
            except (TypeError, ValueError) as error:
                raise _bad(file, reader.line_num, f"not a row of a trace: {error}") from None
            if not before <= seconds < math.inf:
                raise _bad(file, reader.line_num, f"{seconds:g} s comes after {before:g} s")
            before = seconds
            yield found


def _columns(known: Sequence[str]) -> list[str]:
    """What may tell units: the columns that there are, and ``tokens`` if both its parts are."""
    return [*known, *(["tokens"] if {"tokens_in", "tokens_out"} <= set(known) else [])]


def _units(row: dict[str, str], column: str | None) -> float | None:
    if column is None:
        return None
    if column == "tokens" and "tokens" not in row:
        return float(row["tokens_in"] or 0) + float(row["tokens_out"] or 0)
    return float(row[column])


def _bad(file: Path, line: int, message: str) -> ScenarioError:
    return ScenarioError(str(file), [Finding(message, line, 1)])
