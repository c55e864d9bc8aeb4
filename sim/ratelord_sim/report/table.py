"""Results as CSV: one line for each number of each group."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from ratelord_sim.result import Result


def csv_of(results: Sequence[Result]) -> str:
    """Columns ``scenario``, ``seed``, ``scope``, ``metric``, ``value``."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("scenario", "seed", "scope", "metric", "value"))
    for result in results:
        for scope, metric, value in _numbers(result):
            lines.writerow((result["scenario"], result["seed"], scope, metric, value))
    return text.getvalue()


def _numbers(result: Result) -> Iterator[tuple[str, str, Any]]:
    scopes = {"all": result["totals"], **result["groups"]}
    scopes |= {f"phase:{name}": of for name, of in result["phases"].items()}
    scopes |= {f"pool:{name}": of for name, of in result["pools"].items()}
    for scope, of in scopes.items():
        yield from ((scope, metric, value) for metric, value in _flat(of, ""))
    for one in result["invariants"]:
        name = f"invariant {one['metric']} {one['condition']} {one['expected']:g}"
        yield one["scope"], name, one["passed"]


def _flat(value: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for name, inside in value.items():
        if isinstance(inside, dict):
            yield from _flat(inside, f"{path}{name}.")
        elif not isinstance(inside, list):
            yield f"{path}{name}", inside
