"""Reads recorded demand: a CSV file, perhaps gzipped, with a time and amounts in each row."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from math import inf, isfinite, nan
from pathlib import Path
from typing import Final

import msgspec

from ratelord_core.errors import InvalidRequest
from ratelord_core.model.pool import MAX_UNITS

TIME: Final = "seconds_since_start"
_MOST_ROWS: Final = 5_000_000


class PoolSpec(msgspec.Struct, frozen=True):
    """A pool to impose on a trace: windows of ``window_s`` seconds over the amounts of ``column``.

    ``capacity`` None: the smallest that the demand reaches in ``exhaust_share`` of the windows in
    which there is any. The windows are laid ``phases`` times, evenly shifted.
    """

    window_s: float
    column: str = "units"
    exhaust_share: float = 0.4
    phases: int = 1
    capacity: float | None = None

    @property
    def makes_sense(self) -> bool:
        """Whether there can be such a pool."""
        some = self.capacity is None or 0.0 < self.capacity < inf
        return some and 0.0 < self.window_s < inf and 0.0 < self.exhaust_share < 1.0 <= self.phases

    @property
    def label(self) -> str:
        """The pool in a few words."""
        size = f"{self.exhaust_share:.0%}" if self.capacity is None else f"{self.capacity:g}"
        return f"{self.column}/{self.window_s:g}s/{size}"


class Sidecar(msgspec.Struct, frozen=True):
    """What may lie beside a trace, as NAME.json."""

    name: str = ""
    pools: tuple[PoolSpec, ...] = ()


class Trace(msgspec.Struct, frozen=True):
    """Demand over time: seconds that never go back, and one list of amounts for each column."""

    name: str
    times: list[float]
    amounts: dict[str, list[float]]
    pools: tuple[PoolSpec, ...] = ()

    def column(self, name: str) -> tuple[list[float], list[float]]:
        """The times and amounts of one column where there is any; ``tokens`` adds both ways."""
        found = self.amounts.get(name)
        if found is None and name == "tokens" and {"tokens_in", "tokens_out"} <= set(self.amounts):
            ways = zip(self.amounts["tokens_in"], self.amounts["tokens_out"], strict=True)
            found = [there + back for there, back in ways]
        if found is None:
            known = ", ".join(self.amounts)
            raise InvalidRequest(
                f"trace {self.name} has no column {name!r} (it has {known}): name one with --column"
            )
        rows = [(t, units) for t, units in zip(self.times, found, strict=True) if units > 0.0]
        return [t for t, _ in rows], [units for _, units in rows]


def read_trace(path: Path) -> Trace:
    """A trace and, if NAME.json lies beside it, the pools worth imposing on it.

    The first column is ``seconds_since_start``; empty amounts count as 0. Raises ``InvalidRequest``
    that names the line.
    """
    names, rows = _rows(path)
    times: list[float] = []
    amounts: list[list[float]] = [[] for _ in names[1:]]
    for line, row in enumerate(rows, start=2):
        if len(times) >= _MOST_ROWS:
            raise InvalidRequest(f"{path} has more than {_MOST_ROWS} rows; give a part of it")
        numbers = _numbers(path, line, row, len(names))
        if times and numbers[0] < times[-1]:
            raise InvalidRequest(f"{path}:{line}: time {numbers[0]:g} goes back; sort the rows")
        times.append(numbers[0])
        for column, number in zip(amounts, numbers[1:], strict=True):
            column.append(number)
    if not times:
        raise InvalidRequest(f"{path} has no rows; give a trace with some")
    beside = _sidecar(path)
    name = beside.name or path.name.partition(".")[0]
    return Trace(name, times, dict(zip(names[1:], amounts, strict=True)), beside.pools)


def _rows(path: Path) -> tuple[list[str], Iterator[list[str]]]:
    rows = csv.reader(io.StringIO(_text(path), newline=""))
    names = next(rows, [])
    if len(names) < 2 or names[0] != TIME:
        raise InvalidRequest(f"{path}:1: the first column must be {TIME}, and amounts must follow")
    return names, rows


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"byte {error.start} is no UTF-8"
        raise InvalidRequest(f"{path}: {where}; give a CSV file, as text or gzipped") from error
    except (EOFError, OSError, zlib.error) as error:
        raise InvalidRequest(f"{path} is no whole gzip file ({error}); pack it anew") from error


def _numbers(path: Path, line: int, row: list[str], width: int) -> list[float]:
    if len(row) != width:
        raise InvalidRequest(
            f"{path}:{line}: has {len(row)} of {width} fields; give each row as many as the first"
        )
    numbers = [_number(field) for field in row]
    if not row[0] or not isfinite(numbers[0]):
        raise InvalidRequest(f"{path}:{line}: {row[0][:20] or 'nothing'} is no time; give seconds")
    for field, number in zip(row[1:], numbers[1:], strict=True):
        if not 0.0 <= number <= MAX_UNITS:
            wanted = f"amounts are from 0 to {MAX_UNITS}, or empty"
            raise InvalidRequest(f"{path}:{line}: {field[:20]} is no amount; {wanted}")
    return numbers


def _number(field: str) -> float:
    """What a field says; empty is 0, and what is no number is none."""
    try:
        return float(field) if field else 0.0
    except ValueError:
        return nan


def _sidecar(path: Path) -> Sidecar:
    beside = path.with_name(f"{path.name.partition('.')[0]}.json")
    if not beside.exists():
        return Sidecar()
    try:
        found = msgspec.json.decode(beside.read_bytes(), type=Sidecar)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{beside}: {error}; mend or remove that file") from error
    for pool in found.pools:
        if not pool.makes_sense:
            raise InvalidRequest(f"{beside}: {pool} makes no sense; mend or remove that pool")
    return found
