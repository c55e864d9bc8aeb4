"""The page on simulation: its example plays, and holds what it says."""

from __future__ import annotations

import re
from pathlib import Path

from ratelord_core import parts
from ratelord_sim.play import play
from ratelord_sim.scenario.reader import read_scenario

PAGE = Path(__file__).parents[2] / "docs" / "simulation.md"


def test_the_scenario_on_the_page_holds() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    installed = parts.load()

    result = play(read_scenario(example, "simulation.md", installed, PAGE.parent), installed)

    assert [one for one in result["invariants"] if not one["passed"]] == []
    assert result["totals"]["modified"] > 0, "somebody has to wait"
