"""What plugins offer to whoever plays the engine without a daemon: policy tests, backtests, sim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from ratelord_core import plugins
from ratelord_core.account_check import check_accounts
from ratelord_core.behavior import Behavior
from ratelord_core.clock import SteppedClock
from ratelord_core.control import ControllerFactory
from ratelord_core.errors import SettingsError
from ratelord_core.forecast import ForecastModelFactory
from ratelord_core.graph import GraphFactory
from ratelord_core.model.config import Document, ProviderConfig
from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import Pool
from ratelord_core.policy.action import PolicyAction
from ratelord_core.policy.function import ConditionFunction
from ratelord_core.policy.stack import PolicyStack
from ratelord_core.policy.stack import load as load_stack
from ratelord_core.provider import Provider, ProviderFactory
from ratelord_core.replay import Blank


class Parts(msgspec.Struct, frozen=True):
    """Everything that plugins offer, by name."""

    actions: Mapping[str, PolicyAction[Any]]
    providers: Mapping[str, ProviderFactory]
    models: Mapping[str, ForecastModelFactory]
    graphs: Mapping[str, GraphFactory]
    behaviors: Mapping[str, Behavior]
    functions: tuple[ConditionFunction, ...] = ()
    controllers: Mapping[str, ControllerFactory[Any]] = {}

    def blank(self, model: str, graph: str = "networkx") -> Blank:
        """Makes empty states with this forecast model and this kind of graph."""
        graphs = _chosen(self.graphs, graph, "graph")
        return Blank(graphs, self.model(model), self.controllers)

    def model(self, name: str) -> ForecastModelFactory:
        """The forecast model of that id; ``SettingsError`` if there is none."""
        found: ForecastModelFactory = _chosen(self.models, name, "model")
        return found

    def policy(self, text: str | bytes, source: str) -> PolicyStack:
        """A policy file's text, ready to judge. Raises ``PolicyError`` with every finding, those
        included that a daemon's start would have of its providers."""
        given = (self.actions, self.providers, self.models, self.functions)
        stack = load_stack(text, source, *given)
        check_accounts(stack.document, text, self.providers)
        return stack

    def pools(self, document: Document) -> tuple[Pool, ...]:
        """All pools of a document: its own caps, and what its providers have before they are ever
        asked, with the members that they have here."""
        found: list[Pool] = []
        for config in document.providers:
            mine = () if config.identity is None else (config.identity,)
            found += (
                pool if pool.members else replace(pool, members=mine)
                for pool in self.declared(config)
            )
        return (*found, *document.pools)

    def declared(self, config: ProviderConfig) -> tuple[Pool, ...]:
        """The pools that a provider account has before it was ever asked."""
        provider = self._provider(config)
        return () if provider is None else tuple(provider.pools())

    def intervals(self, document: Document) -> dict[str, Micros]:
        """How often each provider account would be polled (µs)."""
        made = {config.id: self._provider(config) for config in document.providers}
        return {name: one.poll_interval for name, one in made.items() if one is not None}

    def _provider(self, config: ProviderConfig) -> Provider | None:
        factory = self.providers.get(config.plugin)
        try:
            return None if factory is None else factory.build(config, _no_secret, SteppedClock())
        except SettingsError:
            return None  # it wants a credential, which nobody who only plays has


def _no_secret() -> None:
    return None


def load(without: Iterable[str] = (), extra: Iterable[tuple[str, object]] = ()) -> Parts:
    """What the installed plugins offer. Raises ``PluginError`` as a daemon's start would."""
    loaded = plugins.load(without, extra)
    return Parts(
        actions=loaded.actions(),
        providers=loaded.named("ratelord_register_providers"),
        models=loaded.named("ratelord_register_forecast_models", "model_id"),
        graphs=loaded.named("ratelord_register_graphs"),
        behaviors=loaded.named("ratelord_register_behaviors"),
        controllers=loaded.controllers(),
        functions=tuple(loaded.named("ratelord_register_condition_functions").values()),
    )


def _chosen(offered: Mapping[str, Any], name: str, what: str) -> Any:
    if name in offered:
        return offered[name]
    raise SettingsError(f"no {what} is called {name!r}; installed are {', '.join(sorted(offered))}")
