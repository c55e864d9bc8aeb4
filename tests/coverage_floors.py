"""Says whether the tests reach enough of the core, the stores and the doors; exits 1 if not.

Run after ``pytest --cov``. With arguments (a partial run of the tests) it only reports.
"""

from __future__ import annotations

import io
import sys
from importlib.util import find_spec
from pathlib import Path

from coverage import Coverage

FLOOR = 85.0
"""Percent of lines and branches, for each group on its own, so that none hides behind another."""

DOORS = ["ratelord_core.http", "ratelord_core.cli"]
GROUPS: dict[str, tuple[list[str], list[str]]] = {
    "core": (["ratelord_core"], DOORS),
    "stores": (["ratelord_sql"], []),
    "doors": ([*DOORS, "ratelord_mcp", "ratelord"], []),
    "plugins": (
        [
            "ratelord_actions",
            "ratelord_bootstrap",
            "ratelord_ensemble",
            "ratelord_gamma",
            "ratelord_anthropic",
            "ratelord_federation",
            "ratelord_gemini",
            "ratelord_github",
            "ratelord_headers",
            "ratelord_openai",
            "ratelord_proxy",
            "ratelord_linear",
            "ratelord_mock",
            "ratelord_networkx",
        ],
        [],
    ),
    "simulator": (["ratelord_sim"], []),
}
"""What each group consists of: packages in, packages out."""


def files_of(packages: list[str]) -> list[str]:
    """A pattern for each package that matches every file in it, wherever it is installed."""
    return [f"{folder}/*" for package in packages for folder in _folders(package)]


def _folders(package: str) -> list[Path]:
    spec = find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit(f"coverage: package {package} is not installed here; run this with tox")
    return [Path(folder) for folder in spec.submodule_search_locations]


def never_imported(packages: list[str], measured: set[str]) -> list[str]:
    """Packages of which nothing was measured: their files are missing from the percentage."""
    return [
        package
        for package in packages
        if not any(file.startswith(f"{f}/") for f in _folders(package) for file in measured)
    ]


def reached(coverage: Coverage, include: list[str], omit: list[str]) -> tuple[float, str]:
    """The percentage of a group, and its table of files that are not reached in full."""
    table = io.StringIO()
    percent = coverage.report(
        include=files_of(include),
        omit=files_of(omit),
        file=table,
        show_missing=True,
        skip_covered=True,
    )
    return percent, table.getvalue()


def main(*, partial: bool) -> int:
    """Print each group's percentage, and the tables of those below the floor."""
    coverage = Coverage()
    coverage.load()
    measured = coverage.get_data().measured_files()
    below = 0
    for name, (include, omit) in GROUPS.items():
        percent, table = reached(coverage, include, omit)
        for package in never_imported(include, measured):
            percent, table = 0.0, f"no test imports {package}"
        print(f"coverage of {name}: {percent:.1f} % (floor {FLOOR:.0f} %)")
        if percent < FLOOR and not partial:
            print(table)
            below += 1
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main(partial=len(sys.argv) > 1))
