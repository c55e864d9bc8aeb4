"""What people are shown of results."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from ratelord_sim.result import Result


def show(results: Sequence[Result], *, to_people_aside: bool) -> None:
    """One paragraph a scenario; on standard error if standard output has the JSON."""
    from rich.console import Console

    console = Console(
        file=sys.stderr if to_people_aside else sys.stdout,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
    )
    for result in results:
        for line, style in lines_of(result, brief=len(results) > 1):
            console.print(line, style=style)
    if len(results) > 1:
        failed = [result["scenario"] for result in results if not result["success"]]
        said = f"{len(results) - len(failed)} of {len(results)} scenarios hold"
        console.print(said, style="red" if failed else "green")


def lines_of(result: Result, *, brief: bool) -> Iterable[tuple[str, str | None]]:
    """A result in lines, each with its style. A brief one names only what failed."""
    good = result["success"]
    yield (f"{'holds' if good else 'FAILS'}  {result['scenario']}", "green" if good else "red")
    totals = result["totals"]
    if not brief:
        yield (
            (
                f"  {totals['agents']} agents asked {totals['requests']} times: "
                f"{totals['approved']} approved, {changed(totals)}, "
                f"{totals['denied']} denied, {totals['errors']} without an answer"
            ),
            None,
        )
        waits = totals["wait_seconds"]
        yield (
            (
                f"  {totals['succeeded']} actions succeeded, the provider refused "
                f"{totals['provider_refusals']}; waits: median {_s(waits['p50'])}, "
                f"99 % within {_s(waits['p99'])}, longest {_s(waits['max'])}"
            ),
            None,
        )
    for one in result["invariants"]:
        if not brief or not one["passed"]:
            yield (f"  {_invariant(one)}", None if one["passed"] else "red")


def _invariant(one: dict[str, Any]) -> str:
    where = "" if one["scope"] in ("all", "global") else f" of {one['scope']}"
    actual = "nothing to measure" if one["actual"] is None else f"{one['actual']:g}"
    mark = "✓" if one["passed"] else "✗"
    why = f" — {one['why']}" if one["why"] else ""
    return f"{mark} {one['metric']}{where} {one['condition']} {one['expected']:g}: {actual}{why}"


def changed(counts: dict[str, Any]) -> str:
    """How many were allowed with changes, and which."""
    kinds = counts["modifications"]
    ways = {name: number for name, number in kinds.items() if name != "wait"}
    if not ways:
        return f"{counts['modified']} told to wait"
    said = ", ".join(f"{name} {number}" for name, number in kinds.items())
    return f"{counts['modified']} with changes ({said})"


def _s(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.3g} s"
