"""The policy of a scenario: what it says itself, or a file, with the topology's providers in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ratelord_core.errors import Finding, PolicyError, RatelordError
from ratelord_core.model.config import Document
from ratelord_core.model.ids import split_pool_key
from ratelord_core.policy.reader import read_tree
from ratelord_core.policy.reading import Reading
from ratelord_core.policy.tree import compose, decode
from ratelord_sim.scenario.model import ProviderTerms, Scenario
from ratelord_sim.scenario.surgery import Pair, at, built, merged

DEFAULT_PROVIDER = "mock-provider-1"
"""The provider of a scenario that declares none; it has one pool, ``default``."""


def read_policy(
    said: yaml.Node | None,
    instead: Path | None,
    sections: list[Pair],
    scenario: Scenario,
    source: str,
    reading: Reading,
    folder: Path | None,
) -> Document:
    """The policy that is written in the scenario (``said``: a mapping, or the name of a file), or
    in the file ``instead``, with the accounts, identities, scopes and workloads of the topology.

    Raises ``PolicyError`` with every finding.
    """
    file = instead or _file(said, folder, source)
    if file is not None:
        text = _text(file, source, None if instead else said)
        said, source = compose(text), str(file)
        reading = Reading(
            text, reading.actions, reading.plugins, reading.conditions, reading.models
        )
    elif isinstance(said, yaml.ScalarNode):
        said = None
    named = _named_in(said)
    ours = [(_key("providers"), built({"simulated": _accounts(scenario, named)}))]
    agents = {f"{group.name}-*": {"weight": group.weight} for group in scenario.agents}
    weights = [(_key("agents"), built(agents))]
    return read_tree(merged(said, [*ours, *sections, *weights]), source, reading)


def _accounts(scenario: Scenario, named: set[str]) -> list[dict[str, Any]]:
    """The accounts of the topology, but for those that the policy declares itself."""
    told = {terms.id: terms for terms in scenario.topology.providers}
    ids = dict.fromkeys([*told, *(split_pool_key(pool.id)[0] for pool in scenario.topology.pools)])
    if not ids and not named:
        ids = {DEFAULT_PROVIDER: None}
    found = []
    for name in ids:
        if name not in named:
            identity = told.get(name, ProviderTerms(name)).identity
            found.append({"id": name} | ({"identity": identity} if identity else {}))
    return found


def _named_in(policy: yaml.Node | None) -> set[str]:
    """The accounts that a policy declares."""
    if not isinstance(policy, yaml.MappingNode):
        return set()
    kinds = at(policy, "providers")
    listed = [accounts for _, accounts in kinds.value] if kinds is not policy else []
    found = set()
    for accounts in listed:
        for account in accounts.value if isinstance(accounts, yaml.SequenceNode) else ():
            name = at(account, "id")
            if isinstance(name, yaml.ScalarNode):
                found.add(str(name.value))
    return found


def _file(said: yaml.Node | None, folder: Path | None, source: str) -> Path | None:
    if not isinstance(said, yaml.ScalarNode) or said.value in ("", "null", "~"):
        return None
    if folder is None:
        mark = said.start_mark
        message = "names a file, which is nothing to whoever plays this; write the policy here"
        raise PolicyError(source, [Finding(message, mark.line + 1, mark.column + 1, "policy")])
    return folder / str(said.value)


def _text(file: Path, source: str, said: yaml.Node | None) -> str:
    try:
        return decode(file.read_bytes())
    except OSError as error:
        message = f"policy file {file}: {error.strerror}"
        if said is None:
            raise RatelordError(f"{message}; check --policy") from error
        mark = said.start_mark
        finding = Finding(message, mark.line + 1, mark.column + 1, "policy")
        raise PolicyError(source, [finding]) from error


def _key(name: str) -> yaml.Node:
    return built(name)
