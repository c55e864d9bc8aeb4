"""Every built-in arrives as a stranger's plugin would: through the entry-point group."""

from __future__ import annotations

import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from ratelord_core import plugins

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
DECLARED: dict[str, str] = PROJECT["project"]["entry-points"][plugins.GROUP]


def test_what_the_project_declares_is_what_is_installed() -> None:
    ours = {
        point.name: point.value
        for point in entry_points(group=plugins.GROUP)
        if point.dist is not None and point.dist.name == "ratelord"
    }

    assert ours == DECLARED


@pytest.mark.parametrize("name", DECLARED)
def test_a_built_in_loads_and_implements_a_hook(name: str) -> None:
    listed = {info.name: info for info in plugins.load().listed}

    assert listed[name].state == "loaded"
    assert listed[name].hooks


@pytest.mark.parametrize("name", DECLARED)
def test_a_built_in_can_be_left_out(name: str) -> None:
    listed = {info.name: info for info in plugins.load(without=[name]).listed}

    assert listed[name].state == "left out"


def test_every_built_in_package_is_in_the_wheel() -> None:
    packed = {
        Path(path).name
        for path in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    }

    assert {value.partition(".")[0] for value in DECLARED.values()} < packed
