"""A scripted daemon behind a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.testing.loopback import LoopbackServer
from ratelord_core.testing.scripted_daemon import Answer, ScriptedDaemon

WIRE = Path(__file__).parents[1] / "data" / "wire"


@pytest.fixture(scope="session")
def _served() -> Iterator[ScriptedDaemon]:
    app = ScriptedDaemon()
    with LoopbackServer(app) as server:
        app.url = server.url
        yield app


@pytest.fixture
def daemon(_served: ScriptedDaemon) -> ScriptedDaemon:
    """A scripted daemon behind a real socket."""
    _served.asked = []
    return _served


@pytest.fixture
def wire() -> Callable[[str], dict[str, Any]]:
    """The wire forms of answers, by name."""
    return lambda name: dict(json.loads((WIRE / f"{name}.json").read_text(encoding="utf-8")))


@pytest.fixture
def answer() -> type[Answer]:
    """What a scripted daemon answers."""
    return Answer


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RATELORD_URL", "RATELORD_SOCKET", "RATELORD_TOKEN"):
        monkeypatch.delenv(name, raising=False)
