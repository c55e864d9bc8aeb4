"""A scripted daemon behind a real socket."""

from __future__ import annotations

import pytest

from ratelord_core.testing.scripted_daemon import ScriptedDaemon


@pytest.fixture
def daemon(scripted_daemon: ScriptedDaemon) -> ScriptedDaemon:
    """The daemon that the tests of this folder talk to."""
    return scripted_daemon


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RATELORD_URL", "RATELORD_SOCKET", "RATELORD_TOKEN", "RATELORD_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
