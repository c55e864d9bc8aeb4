"""The sections ``identities``, ``workloads``, ``scopes`` and ``agents``: who is who."""

from __future__ import annotations

from collections.abc import Collection

import yaml

from ratelord_core.model.config import AgentConfig, WorkloadConfig
from ratelord_core.model.identity import Identity
from ratelord_core.model.ids import ROOT_SCOPE, split_pool_key
from ratelord_core.policy.fields import Fields, entries, items
from ratelord_core.policy.reading import Reading
from ratelord_core.policy.section_pools import OWN, secret_ref
from ratelord_core.policy.values import (
    integer,
    is_null,
    name,
    names,
    number,
    one_of,
    positive,
    text,
)


def labels(node: yaml.Node, path: str, reading: Reading) -> dict[str, str] | None:
    """Texts by name."""
    found = {}
    for key, (_, value) in entries(node, path, reading).items():
        said = "" if is_null(value) else text(value, f"{path}.{key}", reading)
        if said is not None:
            found[key] = said
    return found


def read_identities(
    node: yaml.Node, providers: Collection[str], reading: Reading
) -> tuple[Identity, ...]:
    """The identities that are known beforehand."""
    found: dict[str, Identity] = {}
    for item, path in items(node, "identities", reading):
        identity = _identity(Fields(item, path, reading), providers)
        if identity.identity_id and identity.identity_id in found:
            reading.found(item, path, f"identity {identity.identity_id!r} stands twice")
        found.setdefault(identity.identity_id, identity)
    found.pop("", None)
    return tuple(found.values())


def _identity(fields: Fields, providers: Collection[str]) -> Identity:
    identity = Identity(
        identity_id=fields.need(name, "id", "identity_id") or "",
        kind=fields.get(text, "service", "kind"),
        provider_id=fields.maybe(name, "provider", "provider_id"),
        credential_kind=fields.maybe(text, "credential_kind"),
        owner=fields.maybe(text, "owner"),
        owner_kind=fields.maybe(one_of("agent", "system", "org"), "owner_kind"),
        secret_ref=secret_ref(fields),
        role=fields.get(one_of("agent", "viewer", "admin"), "agent", "role"),  # type: ignore[arg-type]  # one of them
        trust_level=fields.maybe(text, "trust_level"),
        allowed_agents=fields.get(names, (), "allowed_agents"),
        labels=fields.get(labels, {}, "labels"),
        metadata=fields.get(labels, {}, "metadata"),
        provider_refs=fields.get(labels, {}, "provider_refs"),
    )
    fields.close()
    place = fields.at("provider", "provider_id")
    if identity.provider_id and identity.provider_id not in providers and place is not None:
        message = f"no provider has the id {identity.provider_id!r}"
        hint = fields.reading.guesses.nearest(identity.provider_id, providers)
        fields.reading.found(place, fields.path_of("provider"), message, hint)
    return identity


def read_workloads(
    node: yaml.Node, owners: Collection[str], reading: Reading
) -> dict[str, WorkloadConfig]:
    """Workloads by name; ``owners`` are the provider ids of all pools that can exist."""
    found = {}
    for key, (_, value) in entries(node, "workloads", reading).items():
        fields = Fields(value, f"workloads.{key}", reading)
        costs = fields.at("consumes")
        consumes = _consumes(costs, fields.path_of("consumes"), owners, reading) if costs else {}
        protocols = fields.maybe(_protocols, "protocols") or {}
        found[key] = WorkloadConfig(consumes, fields.get(names, (), "degrade"), protocols)
        fields.close()
    return found


def _protocols(node: yaml.Node, path: str, reading: Reading) -> dict[str, str]:
    read = {
        protocol: name(value, f"{path}.{protocol}", reading)
        for protocol, (_, value) in entries(node, path, reading).items()
    }
    return {protocol: workload for protocol, workload in read.items() if workload is not None}


def _consumes(
    node: yaml.Node, path: str, owners: Collection[str], reading: Reading
) -> dict[str, float]:
    found = {}
    for key, (place, value) in entries(node, path, reading).items():
        pool = key if "/" in key else f"{OWN[0]}/{key}"
        owner = split_pool_key(pool)[0]
        if owner not in owners:
            message = f"pool {key!r} belongs to no provider and to no pool of this file"
            reading.found(place, f"{path}.{key}", message, reading.guesses.nearest(owner, owners))
        units = number(value, f"{path}.{key}", reading)
        if units is not None:
            found[pool] = units
    return found


DEEPEST_SCOPE = 64
"""Ancestors that a scope may have: every intent walks through them."""


def read_scopes(node: yaml.Node, reading: Reading) -> dict[str, str]:
    """Each scope's (or pattern's) parent; a circle is a finding."""
    found: dict[str, str] = {}
    places = {}
    for child, (place, value) in entries(node, "scopes", reading).items():
        path = f"scopes.{child}"
        parent = name(value, path, reading)
        if "*" in child[:-1]:
            reading.found(place, path, f"{child!r}: a pattern has one '*', at its end")
        elif child == ROOT_SCOPE:
            reading.found(place, path, "'global' is the root; it has no parent")
        elif parent is not None:
            found[child] = parent
            places[child] = place
    for child in found:
        message = _chain_fault(child, found)
        if message:
            reading.found(places[child], f"scopes.{child}", message, "let the chain end at global")
    return found


def _chain_fault(scope: str, parents: dict[str, str]) -> str:
    """What is wrong with the chain of a scope's ancestors; "" if it ends in good time."""
    at = parents.get(scope)
    for _ in range(DEEPEST_SCOPE):
        if at is None:
            return ""
        if at == scope:
            return f"{scope!r} is its own ancestor"
        at = parents.get(at)
    return f"{scope!r} has more than {DEEPEST_SCOPE} ancestors"


def read_agents(node: yaml.Node, reading: Reading) -> dict[str, AgentConfig]:
    """What is known of agents beforehand."""
    found = {}
    for key, (_, value) in entries(node, "agents", reading).items():
        fields = Fields(value, f"agents.{key}", reading)
        found[key] = AgentConfig(
            role=fields.get(text, "", "role"),
            weight=fields.get(positive, 1.0, "weight"),
            priority=fields.get(integer, 0, "priority"),
            labels=fields.get(labels, {}, "labels"),
        )
        fields.close()
    return found
