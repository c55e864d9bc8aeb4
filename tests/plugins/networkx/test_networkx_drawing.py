"""The nodes and edges that the networkx graph draws."""

from __future__ import annotations

import pytest

from ratelord_core.graph import ConstraintGraph
from ratelord_core.model.config import AgentConfig, Topology, WorkloadConfig
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.identity import Identity
from ratelord_core.testing.graph_cases import ask, cap, provided
from ratelord_networkx.plugin import NetworkxFactory


def _edges(graph: ConstraintGraph) -> set[tuple[str, str, str]]:
    return {(edge.from_id, edge.type, edge.to_id) for edge in graph.snapshot().edges}


def _graph() -> ConstraintGraph:
    graph = NetworkxFactory().build()
    topology = Topology(
        identities=(Identity("pat:a", provider_id="gh", owner="team", labels={"env": "dev"}),),
        workloads={"scan": WorkloadConfig(consumes={"gh/core": 10}, degrade=("small",))},
        scopes={"repo:acme/api": "org:acme"},
        agents={"crawler-1": AgentConfig(role="ci", weight=2)},
        providers={"gh": "pat:a"},
    )
    graph.configure(topology, (provided("gh/core"), cap("org", "org:acme", "agent:crawler-1")))
    graph.put_identity(Identity("pat:b", provider_id="gh"))
    graph.admit(Dimensions("crawler-1", "pat:b", "scan", "repo:acme/api"))
    return graph


def test_every_kind_of_edge_is_drawn() -> None:
    assert _edges(_graph()) == {
        ("agent:crawler-1", "uses", "identity:pat:b"),
        ("identity:pat:a", "owns", "resource:gh/pat:a"),
        ("identity:pat:b", "owns", "resource:gh/pat:b"),
        ("identity:pat:a", "depletes", "pool:gh/core"),
        ("identity:pat:b", "depletes", "pool:gh/core"),
        ("pool:gh/core", "shared_with", "identity:pat:a"),
        ("pool:gh/core", "shared_with", "identity:pat:b"),
        ("workload:scan", "triggers", "pool:gh/core"),
        ("provider:gh", "observes", "pool:gh/core"),
        ("pool:gh/core", "bounds", "constraint:gh/core"),
        ("pool:cap/org", "bounds", "constraint:cap/org"),
        ("constraint:gh/core", "applies_to", "scope:global"),
        ("constraint:cap/org", "applies_to", "scope:org:acme"),
        ("constraint:cap/org", "limits", "agent:crawler-1"),
        ("scope:global", "contains", "scope:org:acme"),
        ("scope:org:acme", "contains", "scope:repo:acme/api"),
    }


def test_properties_tell_what_was_declared() -> None:
    told = {node.id: node.properties for node in _graph().snapshot().nodes}
    assert told["agent:crawler-1"] == {"role": "ci", "weight": 2}
    assert told["workload:scan"] == {"degrade": ["small"]}
    assert told["pool:gh/core"] == {"unit": "requests", "local": False, "default": True}
    assert told["constraint:cap/org"] == {
        "limit": 100,
        "unit": "requests",
        "window": "fixed",
        "every_seconds": 3600.0,
        "shared_by": ["org:acme", "agent:crawler-1"],
    }
    assert told["identity:pat:a"] == {
        "kind": "service",
        "status": "active",
        "provider_id": "gh",
        "owner": "team",
        "labels": {"env": "dev"},
    }


def test_the_order_of_events_does_not_change_the_drawing() -> None:
    late = NetworkxFactory().build()
    late.admit(Dimensions("crawler-1", "pat:b", "scan", "repo:acme/api"))
    late.put_identity(Identity("pat:b", provider_id="gh"))
    early = _graph().snapshot()
    topology = Topology(
        identities=(Identity("pat:a", provider_id="gh", owner="team", labels={"env": "dev"}),),
        workloads={"scan": WorkloadConfig(consumes={"gh/core": 10}, degrade=("small",))},
        scopes={"repo:acme/api": "org:acme"},
        agents={"crawler-1": AgentConfig(role="ci", weight=2)},
        providers={"gh": "pat:a"},
    )
    late.configure(topology, (cap("org", "org:acme", "agent:crawler-1"), provided("gh/core")))
    assert late.snapshot().nodes == early.nodes
    assert late.snapshot().edges == early.edges


def test_a_pool_that_changed_is_drawn_anew_with_its_workloads() -> None:
    graph = _graph()
    graph.put_pool(provided("gh/core", "pat:z"))
    edges = _edges(graph)
    assert ("identity:pat:z", "depletes", "pool:gh/core") in edges
    assert ("identity:pat:b", "depletes", "pool:gh/core") not in edges
    assert ("workload:scan", "triggers", "pool:gh/core") in edges


def test_a_path_against_the_edges_is_told_with_the_verbs_turned_round() -> None:
    graph = _graph()
    assert graph.explain("scan", "gh/core") == "workload scan draws 10 per call from pool gh/core."
    assert graph.explain("pool:gh/core", "workload:scan") == (
        "pool gh/core is drawn from by workload scan."
    )
    assert graph.explain("scan", "scan") == "workload scan is where you start from."


def test_a_mistyped_cap_is_told_with_the_caps_beside_it_though_no_provider_has_its_name() -> None:
    graph = NetworkxFactory().build()
    graph.configure(Topology(), (cap("api", "*"),))
    with pytest.raises(LookupError, match=r"no pool of provider cap is called 'apo'.*mean api"):
        graph.bind(ask(provider="cap", pool="apo"))
    with pytest.raises(LookupError, match="no provider is called 'nix'"):
        graph.bind(ask(provider="nix", pool="apo"))
