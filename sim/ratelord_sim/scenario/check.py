"""What the parts of a scenario say of each other: names that are nobody's, with the nearest one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import yaml

from ratelord_core.parts import Parts
from ratelord_core.policy.reading import Reading, nearest
from ratelord_sim.measure.metrics import METRICS
from ratelord_sim.scenario.model import Scenario
from ratelord_sim.scenario.surgery import at
from ratelord_sim.scenario.world import provider_ids, world_pools


def check(
    scenario: Scenario, root: yaml.Node, reading: Reading, parts: Parts, folder: Path | None
) -> None:
    """Add findings for whatever names something that is not there."""
    look = _Look(root, reading)
    groups = [group.name for group in scenario.agents]
    for number, group in enumerate(scenario.agents):
        if group.name in groups[:number]:
            look.found(f"two groups are called {group.name!r}", "agents", number, "name")
        look.known(group.behavior, parts.behaviors, "behavior", "agents", number, "behavior")
        if (group.behavior == "trace") != (group.trace is not None):
            message = "'behavior: trace' and 'trace' (its file) need each other"
            look.found(message, "agents", number, "behavior")
        elif group.trace is not None and folder is None:
            message = "'trace' names a file, which is nothing to whoever plays this"
            look.found(message, "agents", number, "trace")
        elif group.trace and folder is not None and not (folder / group.trace).is_file():
            look.found(f"there is no file {folder / group.trace}", "agents", number, "trace")
    for number, phase in enumerate(scenario.phases):
        for name in phase.agents:
            look.known(name, groups, "group of agents", "phases", number, "agents")
        if phase.duration is None and number < len(scenario.phases) - 1:
            look.found("only the last phase may be without 'duration'", "phases", number)
    _check_targets(scenario, look, parts)
    _check_invariants(scenario, look, groups)


def _check_targets(scenario: Scenario, look: _Look, parts: Parts) -> None:
    pools = world_pools(scenario, parts)
    for pool in pools:
        if pool.limit is None and pool.window.kind != "unbounded":
            numbers = [n for n, terms in enumerate(scenario.topology.pools) if terms.id == pool.id]
            message = f"pool {pool.id} has no limit; say one under topology.pools"
            look.found(message, "topology", "pools", *numbers)
    keys = [pool.id for pool in pools]
    for number, hidden in enumerate(scenario.sabotage):
        look.known(hidden.target, keys, "pool", *look.entry("sabotage", number), "target")
    for number, fault in enumerate(scenario.faults):
        if fault.target is not None:
            ids = provider_ids(scenario)
            look.known(fault.target, ids, "provider", "faults", number, "target")


def _check_invariants(scenario: Scenario, look: _Look, groups: Collection[str]) -> None:
    phases = [phase.name for phase in scenario.phases]
    for number, wanted in enumerate(scenario.invariants):
        where = ("invariants", number)
        look.known(wanted.metric, METRICS, "metric", *where, "metric")
        kind, _, rest = wanted.scope.partition(":")
        group, _, phase = wanted.scope.partition("@")
        if wanted.scope in ("all", "global") or kind == "pool":
            continue
        if kind == "phase":
            look.known(rest, phases, "phase", *where, "scope")
            continue
        look.known(group, groups, "group of agents", *where, "scope")
        if phase:
            look.known(phase, phases, "phase", *where, "scope")


class _Look:
    """Finds the place of what is wrong."""

    def __init__(self, root: yaml.Node, reading: Reading) -> None:
        self._root, self._reading = root, reading

    def entry(self, section: str, number: int) -> tuple[str | int, ...]:
        """Where an entry of a section stands that may be a list, or one entry alone."""
        alone = isinstance(at(self._root, section), yaml.MappingNode)
        return (section,) if alone else (section, number)

    def found(self, message: str, *path: str | int, hint: str = "") -> None:
        self._reading.found(at(self._root, *path), _written(path), message, hint)

    def known(self, name: str, names: Collection[str], what: str, *path: str | int) -> None:
        if name not in names:
            hint = nearest(name, names, few=40)
            self.found(f"no {what} is called {name!r}", *path, hint=hint)


def _written(path: tuple[str | int, ...]) -> str:
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(steps).removeprefix(".")
