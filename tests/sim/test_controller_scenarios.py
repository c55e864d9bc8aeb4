"""Scenarios of delay controllers: each fails once the mechanism that it argues for is taken away."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.control.governor import Governor
from ratelord_core.control.outside import OutsideUse
from ratelord_core.control.turns import Turns
from ratelord_core.engine.folds import intents
from ratelord_core.parts import Parts
from ratelord_sim.library import shipped
from ratelord_sim.play import play
from ratelord_sim.scenario.reader import read_file

Patch = pytest.MonkeyPatch


@pytest.fixture
def without(monkeypatch: Patch, installed: Parts, tmp_path: Path) -> Callable[..., set[str]]:
    """Plays a part of a shipped scenario with something replaced: in the code (owner, name, other)
    or in its text; the metrics that then break."""

    def playing(name: str, *changes: tuple[Any, ...]) -> set[str]:
        text = shipped()[name].read_text(encoding="utf-8")
        for change in changes:
            if len(change) == 2:
                assert change[0] in text
                text = text.replace(*change)
            else:
                monkeypatch.setattr(*change)
        file = tmp_path / "it.yaml"
        file.write_text(text, encoding="utf-8")
        result = play(read_file(file, installed), installed)
        return {one["metric"] for one in result["invariants"] if not one["passed"]}

    return playing


Without = Callable[..., set[str]]


def test_without_pacing_a_window_is_gone_as_soon_as_it_begins(without: Without) -> None:
    failed = without(
        "s21-used-up-at-its-reset",
        (Governor, "ask", lambda *_: None),
        ("duration: 12m", "duration: 5m"),
    )

    assert "variation" in failed


def test_without_turns_whoever_asks_most_gets_most(without: Without) -> None:
    failed = without(
        "s21-used-up-at-its-reset",
        (Turns, "share", lambda *_: inf),
        ("duration: 12m", "duration: 5m"),
    )

    assert "fairness" in failed


def test_without_pacing_bursts_stay_bursts(without: Without) -> None:
    failed = without(
        "s22-bursts-within-a-budget",
        (Governor, "ask", lambda *_: None),
        ("duration: 15m", "duration: 5m"),
    )

    assert "variation" in failed


def test_without_the_forecast_everybody_waits_for_nothing(without: Without) -> None:
    failed = without(
        "s23-nobody-waits-without-need", ("algorithm: pace", "algorithm: pace, demand: false")
    )

    assert {"immediate_rate", "wait_max"} <= failed


def test_without_holding_back_what_others_take_agents_run_into_refusals(without: Without) -> None:
    failed = without("s24-somebody-else-spends-too", (OutsideUse, "within", lambda *_: 0.0))

    assert "provider_refusals" in failed


def test_without_feedback_tokens_rush_out_at_once(without: Without) -> None:
    failed = without(
        "s25-tokens-by-feedback",
        (Governor, "ask", lambda *_: None),
        ("duration: 10m", "duration: 4m"),
    )

    assert "variation" in failed


def test_without_a_pace_for_each_pool_the_longer_window_is_not_used_evenly(
    without: Without,
) -> None:
    failed = without(
        "s27-two-windows-at-once",
        ("scope: global", "scope: pool:api/minute"),
        ("duration: 15m", "duration: 5m"),
    )

    assert "variation" in failed


def test_places_kept_for_those_whom_another_pool_turns_away_are_lost(without: Without) -> None:
    failed = without(
        "s28-requests-and-tokens",
        (intents, "_impatient", lambda *_: set()),
        ("duration: 12m", "duration: 6m"),
    )

    assert "utilisation_mean" in failed
