"""Every extension point, on one page, in the order of a daemon's day.

A hook registers things; it never does I/O and is never a coroutine. Slow things (a poll, a commit)
are methods of the objects that a hook hands over, and the daemon runs them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from ratelord_core.agent_tools import AgentResource, AgentTool
    from ratelord_core.behavior import Behavior
    from ratelord_core.control import ControllerFactory
    from ratelord_core.doors import DoorFactory
    from ratelord_core.exporter import Exporter
    from ratelord_core.forecast import ForecastModelFactory
    from ratelord_core.graph import GraphFactory
    from ratelord_core.policy.action import PolicyAction
    from ratelord_core.policy.function import ConditionFunction
    from ratelord_core.provider import ProviderFactory
    from ratelord_core.store import StoreFactory
    from ratelord_core.transport import TransportFactory
    from ratelord_core.verb import Verb

hookspec = pluggy.HookspecMarker("ratelord")
hookimpl = pluggy.HookimplMarker("ratelord")
"""Marks a plugin's implementation of a hook."""


@hookspec
def ratelord_register_stores() -> Iterable[StoreFactory]:
    """Where the event log can be kept. Called once, first of all."""


@hookspec
def ratelord_register_graphs() -> Iterable[GraphFactory]:
    """Constraint graphs. Called once; the setting ``graph`` chooses by name."""


@hookspec
def ratelord_register_forecast_models() -> Iterable[ForecastModelFactory]:
    """Forecast models. Called once; the setting ``forecast_model`` chooses by id."""


@hookspec
def ratelord_register_delay_controllers() -> Iterable[ControllerFactory[Any]]:
    """Delay controllers that rules may name as ``algorithm``. Called before a policy is read."""


@hookspec
def ratelord_register_policy_actions() -> Iterable[PolicyAction[Any]]:
    """Actions that policy rules may name. Called before a policy is read."""


@hookspec
def ratelord_register_condition_functions() -> Iterable[ConditionFunction]:
    """Functions that the conditions of rules may call. Called before a policy is read."""


@hookspec
def ratelord_register_providers() -> Iterable[ProviderFactory]:
    """Kinds of providers that the policy file's ``providers`` may name. Called once."""


@hookspec
def ratelord_register_transports() -> Iterable[TransportFactory]:
    """Ways in which daemons reach each other, by the schemes of their addresses. Called when one
    is to be reached, or to be reachable."""


@hookspec
def ratelord_register_behaviors() -> Iterable[Behavior]:
    """Ways in which simulated agents ask, by the name that scenario files use. Called when a
    simulation is set up."""


@hookspec
def ratelord_register_verbs() -> Iterable[Verb]:
    """Verbs of the command line. Called when a command line is read that may name one of them."""


@hookspec
def ratelord_register_doors() -> Iterable[DoorFactory]:
    """Doors on the daemon's port, each below a path of its own. Called once, at the start."""


@hookspec
def ratelord_register_exporters() -> Iterable[Exporter]:
    """Where traces and metrics are carried to. Called once, when the daemon begins to listen."""


@hookspec
def ratelord_register_agent_tools() -> Iterable[AgentTool]:
    """Tools that agents get beside the built-in ones. Called when their door is first used."""


@hookspec
def ratelord_register_agent_resources() -> Iterable[AgentResource]:
    """Resources that agents may read. Called when their door is first used."""
