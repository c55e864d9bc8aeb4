"""Says whether the tests reach enough of the core, the stores and the doors; exits 1 if not.

Run after ``pytest --cov``. With arguments (a partial run of the tests) it only reports.
"""

from __future__ import annotations

import io
import sys

from coverage import Coverage

FLOOR = 85.0
"""Percent of lines and branches, for each group on its own, so that none hides behind another."""

DOORS = ["*/ratelord_core/http/*", "*/ratelord_core/cli/*"]
GROUPS: dict[str, tuple[list[str], list[str]]] = {
    "core": (["*/ratelord_core/*"], DOORS),
    "stores": (["*/ratelord_sql/*", "*/ratelord_core/testing/*store*"], []),
    "doors": ([*DOORS, "*/ratelord/*"], []),
    "plugins": (["*/ratelord_*/*"], ["*/ratelord_core/*"]),
}


def reached(coverage: Coverage, include: list[str], omit: list[str]) -> tuple[float, str]:
    """The percentage of a group, and its table of files that are not reached in full."""
    table = io.StringIO()
    percent = coverage.report(
        include=include, omit=omit, file=table, show_missing=True, skip_covered=True
    )
    return percent, table.getvalue()


def main(partial: bool) -> int:
    """Print each group's percentage; the tables of those below the floor."""
    coverage = Coverage()
    coverage.load()
    below = 0
    for name, (include, omit) in GROUPS.items():
        percent, table = reached(coverage, include, omit)
        short = percent < FLOOR
        print(f"coverage of {name}: {percent:.1f} % (floor {FLOOR:.0f} %)")
        if short and not partial:
            print(table)
            below += 1
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main(partial=len(sys.argv) > 1))
