"""Distributions of others, installed for one test: a module beside its metadata on the path."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install("acme", code)``: a distribution acme-ratelord with the plugin acme in acme.py."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    names: list[str] = []

    def add(name: str, code: str) -> Path:
        (site / f"{name}.py").write_text(dedent(code), encoding="utf-8")
        info = site / f"{name}_ratelord-1.0.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}-ratelord\nVersion: 1.0\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[ratelord]\n{name} = {name}\n", encoding="utf-8")
        importlib.invalidate_caches()
        names.append(name)
        return site

    yield add
    for name in names:
        sys.modules.pop(name, None)
