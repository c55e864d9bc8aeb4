"""A policy file, YAML or JSON, to a checked and normalised document; every finding at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import yaml

from ratelord_core.errors import Finding, PolicyError
from ratelord_core.model.config import Document, RetentionConfig, Settings, Topology
from ratelord_core.model.pool import Pool
from ratelord_core.policy import section_people as people
from ratelord_core.policy import section_policies as policies
from ratelord_core.policy import section_pools as pools
from ratelord_core.policy import section_settings as settings
from ratelord_core.policy import section_tools as tools
from ratelord_core.policy.action import PolicyAction
from ratelord_core.policy.condition import Conditions
from ratelord_core.policy.document import stamped
from ratelord_core.policy.fields import Fields
from ratelord_core.policy.reading import Reading
from ratelord_core.policy.shipped import shipped_workloads
from ratelord_core.policy.tree import UnreadableError, compose, decode

MOST_FINDINGS = 100
"""Mistakes that one refusal names."""


def read_document(
    text: str | bytes,
    source: str,
    actions: Mapping[str, PolicyAction[Any]],
    providers: Collection[str],
    conditions: Conditions | None = None,
    models: Collection[str] = (),
) -> Document:
    """The document that a file's text declares.

    ``source`` is the file's name in messages. ``actions`` are the policy actions by name,
    ``providers`` the provider plugins by name, or only their
    names: then none of them brings workloads along. ``conditions`` keeps what was compiled, for
    whoever compiles the rules next. ``models`` are the ids of the forecast models; without any,
    the choice of one is not checked. Raises ``PolicyError`` with every finding, in file order.
    """
    try:
        written = decode(text)
        root = compose(written)
    except UnreadableError as error:
        raise PolicyError(source, [error.finding]) from None
    if root is None:
        return stamped(Document(), source)
    reading = Reading(written, actions, providers, conditions or Conditions(), models)
    return read_tree(root, source, reading)


def read_tree(root: yaml.Node, source: str, reading: Reading) -> Document:
    """The document that a tree of nodes declares, which may be a part of a larger file. Raises
    ``PolicyError`` with every finding, those included that ``reading`` has already."""
    document = _document(root, reading)
    if reading.findings:
        raise PolicyError(source, _in_order(reading.findings))
    return stamped(document, source)


def _in_order(findings: Collection[Finding]) -> list[Finding]:
    """Each finding once, by its place; of very many the first ones, for the log keeps them."""
    found = list(dict.fromkeys(sorted(findings, key=lambda one: (one.line, one.column))))
    if len(found) <= MOST_FINDINGS:
        return found
    told = found[:MOST_FINDINGS]
    more = f"{len(found) - MOST_FINDINGS} more mistakes; mend the first ones and check again"
    return [*told, Finding(more, told[-1].line, told[-1].column)]


def _document(root: yaml.Node, reading: Reading) -> Document:
    fields = Fields(root, "", reading)

    def section(key: str) -> yaml.Node:
        return fields.at(key) or yaml.ScalarNode("tag:yaml.org,2002:null", "")

    units = settings.read_units(section("units"), reading)
    providers = pools.read_providers(section("providers"), reading)
    provider_ids = [provider.id for provider in providers]
    own, overrides = pools.read_pools(section("pools"), provider_ids, units, reading)
    rules = policies.read_policies(section("policies"), reading)
    own += policies.limit_pools(rules, reading.actions)
    owners = {*provider_ids, *(pool.provider_id for pool in own)}
    topology = Topology(
        identities=people.read_identities(section("identities"), provider_ids, reading),
        workloads=shipped_workloads(providers, reading.plugins)
        | people.read_workloads(section("workloads"), owners, reading),
        scopes=people.read_scopes(section("scopes"), reading),
        agents=people.read_agents(section("agents"), reading),
        providers={provider.id: provider.identity for provider in providers},
    )
    reading.check_mentioned(_names(topology, owners, own))
    mapped = tools.read_tools(section("tools"), reading)
    pricing = settings.read_pricing(section("pricing"), reading)
    switches, retention = fields.at("settings"), fields.at("retention")
    fields.close()
    return Document(
        providers=providers,
        pools=own,
        overrides=overrides,
        topology=topology,
        pricing=pricing,
        units=units,
        policies=rules,
        tools=mapped,
        settings=settings.read_settings(switches, reading) if switches else Settings(),
        retention=settings.read_retention(retention, reading) if retention else RetentionConfig(),
    )


def _names(topology: Topology, owners: Collection[str], own: Collection[Pool]) -> dict[str, Any]:
    """What rules may name, by kind. Of a configured provider's pools nobody knows before it is
    polled: any name will do."""
    workloads = set(topology.workloads)
    protocols: set[str] = set()
    for shape in topology.workloads.values():
        workloads.update(shape.degrade, shape.protocols.values())
        protocols.update(shape.protocols)
    ours = {pool.key for pool in own}
    ours |= {pool.pool_id for pool in own if pool.provider_id == pools.OWN[0]}
    return {
        "workload": workloads,
        "protocol": protocols,
        "provider": set(owners),
        "pool": Pools(ours, topology.providers),
    }


class Pools(set[str]):
    """Pools that are declared, and any of a provider."""

    def __init__(self, declared: Collection[str], providers: Collection[str]) -> None:
        super().__init__(declared)
        self._providers = providers

    def __contains__(self, key: object) -> bool:
        provider, slash, _ = str(key).partition("/")
        return super().__contains__(key) or (bool(slash) and provider in self._providers)
