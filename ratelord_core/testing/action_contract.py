"""What every policy action promises; inherit it and give it yours.

    class TestMine(ActionContract):
        action = MyAction()
        good = ({}, {"seconds": 5})
        bad = ({"seconds": -1},)

``good`` are parameters that a rule may give, ``bad`` are some that must be refused.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import pytest

from ratelord_core.errors import PolicyError
from ratelord_core.policy.action import PolicyAction
from ratelord_core.testing.situation import ASKED, FixedSituation
from ratelord_core.testing.table import Table

_POOL = {
    "id": "p/api",
    "unit": "requests",
    "limit": 100,
    "window": {"kind": "fixed", "every": "60s"},
}
_URGENCIES = ("high", "normal", "background")


class ActionContract:
    """The tests. Rules are read and intents decided by the real engine."""

    action: ClassVar[PolicyAction[Any]]
    good: ClassVar[tuple[dict[str, Any], ...]] = ({},)
    bad: ClassVar[tuple[dict[str, Any], ...]] = ()

    def table(self, params: dict[str, Any]) -> Table:
        """An engine whose only rule is this action."""
        rule = {"name": "it", "condition": "true", "action": self.action.name, "params": params}
        policy = {"pools": [_POOL], "policies": [{"id": "contract", "rules": [rule]}]}
        text = msgspec.json.encode(policy).decode()
        return Table(text, actions={self.action.name: self.action})

    def test_its_parameters_are_a_frozen_record(self) -> None:
        assert issubclass(self.action.params, msgspec.Struct)
        assert self.action.params.__struct_config__.frozen

    def test_good_parameters_are_taken(self) -> None:
        for params in self.good:
            self.table(params)

    def test_bad_parameters_stop_the_policy_and_are_named(self) -> None:
        for params in ({"no_such_parameter": 1}, *self.bad):
            with pytest.raises(PolicyError) as refused:
                self.table(params)
            assert any(name in str(refused.value) for name in params)

    def test_whatever_is_asked_it_gives_an_effect(self) -> None:
        for params in self.good:
            table = self.table(params)
            for urgency in _URGENCIES:
                decision = table.ask(urgency=urgency)
                assert f"action {self.action.name!r}" not in decision.reason

    def test_it_can_be_asked_about_an_intent_that_draws_from_nothing(self) -> None:
        for params in self.good:
            made = msgspec.convert(params, self.action.params)
            for urgency in _URGENCIES:
                intent = msgspec.structs.replace(ASKED, urgency=urgency)
                self.action.apply(made, FixedSituation(intent=intent))

    def test_the_same_situation_has_the_same_effect(self) -> None:
        for params in self.good:
            made = msgspec.convert(params, self.action.params)
            effects = [self.action.apply(made, FixedSituation()) for _ in range(3)]
            assert effects[0] == effects[1] == effects[2]

    def test_a_log_that_it_helped_to_write_replays(self) -> None:
        for params in self.good:
            table = self.table(params)
            for urgency in _URGENCIES:
                table.ask(urgency=urgency)
            assert table.replayed().picture(table.now) == table.engine.state.picture(table.now)
