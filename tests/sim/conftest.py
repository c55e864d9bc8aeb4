"""Scenarios from text, played in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ratelord_core import parts
from ratelord_core.parts import Parts
from ratelord_sim.play import play
from ratelord_sim.result import Result
from ratelord_sim.scenario.reader import read_scenario

Playing = Callable[..., Result]


@pytest.fixture(scope="session")
def installed() -> Parts:
    """What the installed plugins offer."""
    return parts.load()


@pytest.fixture
def plays(installed: Parts, tmp_path: Path) -> Playing:
    """Plays a scenario's text."""

    def playing(text: str, **options: Any) -> Result:
        return play(read_scenario(text, str(tmp_path / "it.yaml"), installed, tmp_path), installed)

    return playing
