"""The list of promises and the tests that it names say the same, in both directions."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROMISES = tomllib.loads((Path(__file__).parent / "promises.toml").read_text("utf-8"))["promise"]

SCENARIOS = (
    [f"D-0{n}" for n in range(1, 10)]
    + [f"A-0{n}" for n in range(1, 5)]
    + [f"P-0{n}" for n in range(1, 5)]
    + [f"Pol-0{n}" for n in range(1, 4)]
    + ["C-01", "C-02"]
)
"""The acceptance scenarios that belong to what is built so far."""


def test_every_scenario_is_promised() -> None:
    assert set(SCENARIOS) <= {promise["id"] for promise in PROMISES}


def test_no_promise_is_made_twice() -> None:
    assert not [name for name, count in Counter(p["id"] for p in PROMISES).items() if count > 1]


def test_every_promise_is_a_sentence_and_names_a_test() -> None:
    assert not [p["id"] for p in PROMISES if not p["promise"].endswith(".") or not p["tests"]]


def test_what_the_list_names_and_what_is_marked_are_the_same() -> None:
    listed = {(promise["id"], test) for promise in PROMISES for test in promise["tests"]}

    assert listed == set(_marked())


def test_what_is_measured_is_a_row_of_the_benchmark() -> None:
    rows = "".join(file.read_text("utf-8") for file in (ROOT / "tests" / "bench").glob("*.py"))
    measured = [promise["measured"] for promise in PROMISES if "measured" in promise]

    assert measured
    assert not [row for row in measured if f'Row("{row}"' not in rows]


def test_every_listed_test_is_collected() -> None:
    listed = {test for promise in PROMISES for test in promise["tests"]}
    files = sorted({test.partition("::")[0] for test in listed})

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-m", "promise", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )  # fmt: skip

    collected = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert listed == collected, done.stdout + done.stderr


def _marked() -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        where = file.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from ((name, f"{where}::{node.name}") for name in _promises_of(node))


def _promises_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.promise":
            yield from (ast.literal_eval(argument) for argument in decorator.args)
