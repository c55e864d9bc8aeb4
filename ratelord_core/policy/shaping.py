"""Gives actions that make askers wait the delay controllers as further algorithms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ratelord_core.control import ControllerFactory, Paced, PaceParams
from ratelord_core.policy.action import Effect, Named, Naming, Pace, PolicyAction
from ratelord_core.policy.situation import Situation

ALGORITHM = "algorithm"
"""The parameter by which an action says that controllers may find its wait."""


class PacedAction:
    """An action whose ``algorithm`` may also name a delay controller; its parameters are then the
    controller's."""

    def __init__(
        self, plain: PolicyAction[Any], controllers: Mapping[str, ControllerFactory[Any]]
    ) -> None:
        self.name = plain.name
        self.params = plain.params
        self.variants = {name: controller.params for name, controller in controllers.items()}
        """The parameters by algorithm, where they differ from ``params``."""
        self._plain = plain
        self._controllers = controllers

    def apply(self, params: msgspec.Struct, situation: Situation) -> Effect:
        """What the plain action does, or the controller's pace."""
        if not isinstance(params, PaceParams):
            return self._plain.apply(params, situation)
        return Pace(Paced(self._controllers[params.algorithm], params), params.reason)

    def names(self, params: Any) -> Iterable[Named]:
        """What the parameters name, if the plain action knows."""
        if isinstance(params, PaceParams) or not isinstance(self._plain, Naming):
            return ()
        return self._plain.names(params)


def with_controllers(
    actions: Mapping[str, PolicyAction[Any]], controllers: Mapping[str, ControllerFactory[Any]]
) -> dict[str, PolicyAction[Any]]:
    """The actions by name; those that have an ``algorithm`` know the controllers."""
    return {
        name: PacedAction(action, controllers)
        if controllers and ALGORITHM in action.params.__struct_fields__
        else action
        for name, action in actions.items()
    }
