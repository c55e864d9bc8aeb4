"""The plugins that a simulation is made of: the daemon's own, and behaviours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ratelord_core import plugins
from ratelord_core.behavior import Behavior
from ratelord_core.errors import SettingsError
from ratelord_core.forecast import ForecastModelFactory
from ratelord_core.graph import GraphFactory
from ratelord_core.policy.action import PolicyAction
from ratelord_core.provider import ProviderFactory
from ratelord_core.replay import Blank


class Parts(msgspec.Struct, frozen=True):
    """Everything that plugins offer to a simulation, by name."""

    actions: Mapping[str, PolicyAction[Any]]
    providers: Mapping[str, ProviderFactory]
    models: Mapping[str, ForecastModelFactory]
    graphs: Mapping[str, GraphFactory]
    behaviors: Mapping[str, Behavior]

    def blank(self, model: str, graph: str = "networkx") -> Blank:
        """Makes empty states with this forecast model and this kind of graph."""
        return Blank(_chosen(self.graphs, graph, "graph"), _chosen(self.models, model, "model"))


def load(without: Iterable[str] = (), extra: Iterable[tuple[str, object]] = ()) -> Parts:
    """What the installed plugins offer. Raises ``PluginError`` as a daemon's start would."""
    loaded = plugins.load(without, extra)
    return Parts(
        actions=loaded.named("ratelord_register_policy_actions"),
        providers=loaded.named("ratelord_register_providers"),
        models=loaded.named("ratelord_register_forecast_models", "model_id"),
        graphs=loaded.named("ratelord_register_graphs"),
        behaviors=loaded.named("ratelord_register_behaviors"),
    )


def _chosen(offered: Mapping[str, Any], name: str, what: str) -> Any:
    if name in offered:
        return offered[name]
    raise SettingsError(f"no {what} is called {name!r}; installed are {', '.join(sorted(offered))}")
