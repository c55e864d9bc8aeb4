"""A plugin that raises does not take the engine down, and never approves in silence."""

from collections.abc import Callable
from typing import Any, NoReturn

import msgspec
import pytest

from ratelord_core.engine import State
from ratelord_core.events.payloads import SystemStatusChanged
from ratelord_core.forecast.book import ForecastBook
from ratelord_core.policy.action import Effect
from ratelord_core.policy.situation import Situation
from ratelord_core.testing.table import Table
from ratelord_linear.plugin import LinearFactory

JOBS = "pools: [{id: local/jobs, limit: 10, window: {kind: fixed, every: 60s}}]\n"
RULE = JOBS + "policies: [{id: house, scope: global, rules: [{name: odd, action: odd}]}]"


class NoParams(msgspec.Struct, frozen=True):
    """Nothing."""


class OddAction:
    """Does what a test wants."""

    name = "odd"
    params: type[msgspec.Struct] = NoParams

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act

    def apply(self, params: NoParams, situation: Situation) -> Effect:
        """Whatever it does."""
        effect: Effect = self._act()
        return effect


class OddModel:
    """A forecast model that cannot count."""

    model_id = "odd"
    model_version = "1"

    def build(self, limit: float, window_seconds: float | None) -> "OddModel":
        """Itself."""
        return self

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        return fail


def fail(*_: object, **__: object) -> NoReturn:
    """Every call."""
    raise ZeroDivisionError("cannot count")


@pytest.mark.parametrize("act", [fail, lambda: None, lambda: "yes"], ids=["raises", "None", "text"])
def test_a_policy_action_that_fails_is_a_denial_with_its_name(act: Callable[[], Any]) -> None:
    table = Table(RULE, actions={"odd": OddAction(act)})
    denied = table.ask()
    assert denied.reason_code == "policy"
    assert "action 'odd'" in denied.reason
    assert denied.decided_by is not None
    assert table.figures("local/jobs").held == 0
    assert table.store.head().seq > 0


def test_a_forecast_model_that_fails_is_a_denial_with_its_name() -> None:
    table = Table(JOBS)
    engine = table.engine
    engine.state.book = ForecastBook(OddModel())
    table.configure(JOBS)
    denied = table.ask(urgency="high")
    assert not denied.allowed
    assert denied.reason_code == "forecast_stale"
    assert "forecast model odd failed" in denied.reason
    assert table.figures("local/jobs").held == 0
    assert table.engine.reader.pool("local/jobs", table.now).risk_level == "unknown"


class Moody(OddModel):
    """Cannot count while it is in a mood."""

    bad = True

    def build(self, limit: float, window_seconds: float | None) -> Any:
        """Fails, or is another model."""
        return fail() if self.bad else LinearFactory().build(limit, window_seconds)


def test_a_model_that_is_well_again_is_believed_and_the_system_is_degraded_meanwhile() -> None:
    pools = (
        "pools: [{id: local/jobs, limit: 10, window: {kind: fixed, every: 60s}},"
        " {id: local/more, limit: 10, window: {kind: sliding, every: 60s}}]\n"
    )
    table, model = Table(pools), Moody()
    table.engine.state.book = ForecastBook(model)
    table.configure(pools)
    table.pass_time(1)
    failures = table.engine.lookout.failures()
    assert [one.pool for one in failures] == ["local/jobs", "local/more"]
    assert table.engine.state.degraded
    denied = table.ask()
    assert denied.retry_after == max(one.again for one in failures) - table.now

    model.bad = False
    for _ in range(2):  # one model at a time
        assert not table.ask().allowed
        table.pass_time(2)

    assert table.ask().allowed
    assert not table.engine.lookout.failures()
    assert [event.degraded for event in table.events(SystemStatusChanged)] == [True, False]


def test_a_graph_that_fails_answers_nobody_and_holds_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = Table(JOBS)
    head = table.store.head().seq
    for method in ("bind", "admit"):
        with monkeypatch.context() as broken:
            broken.setattr(table.engine.state.graph, method, fail)
            with pytest.raises(ZeroDivisionError):
                table.ask()
        table.pass_time(0)
        assert table.store.head().seq == head
        assert table.figures("local/jobs").held == 0
    assert table.ask().allowed
    now = table.now
    assert isinstance(table.replayed(), State)
    assert table.replayed().picture(now) == table.engine.state.picture(now)
