"""What agents are told in passing, and that remembering it is bounded."""

from __future__ import annotations

import pytest

from ratelord_mcp.alerts import FORGOTTEN, MAX_POOLS, Alerts


def test_a_pool_that_turned_is_told_once_the_worst_first() -> None:
    levels = {"p/a": "ok", "p/b": "ok"}
    alerts = Alerts(levels.get)
    alerts.note("agent", "1", ["p/a", "p/b"])
    levels.update({"p/a": "warn", "p/b": "critical"})

    assert alerts.take("agent") == [
        "p/b turned critical (was ok)",
        "p/a turned warn (was ok)",
    ]
    assert alerts.take("agent") == []
    assert alerts.take("other") == []
    assert alerts.take(None) == []
    levels["p/b"] = "ok"
    assert alerts.take("agent") == ["p/b turned ok (was critical)"]


def test_who_asked_an_intent_is_remembered() -> None:
    alerts = Alerts(lambda _pool: None)
    alerts.note("agent", "intent-1", [])

    assert alerts.asker_of("intent-1") == "agent"
    assert alerts.asker_of("intent-2") is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ratelord_mcp.alerts.MAX_AGENTS", 3)
    monkeypatch.setattr("ratelord_mcp.alerts.MAX_INTENTS", 5)
    alerts = Alerts(lambda _pool: None)
    for number in range(20):
        alerts.note(f"agent-{number}", f"intent-{number}", [f"p/{number}-{n}" for n in range(40)])

    assert len(alerts.pools()) == 3 * MAX_POOLS
    assert alerts.asker_of("intent-14") is None
    assert alerts.asker_of("intent-15") == "agent-15"


def test_an_agent_that_fell_silent_is_not_watched_for_ever() -> None:
    alerts = Alerts(lambda _pool: None)
    alerts.note("agent", "1", ["p/a"])

    for _ in range(FORGOTTEN):
        assert alerts.pools() == {"p/a"}
    assert alerts.pools() == set()
    alerts.note("agent", "2", [])
    assert alerts.pools() == {"p/a"}
