"""What every constraint graph must do: inherit the class, give it a factory.

class TestMyGraph(GraphContract):
    @pytest.fixture
    def factory(self): return MyFactory()
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratelord_core.graph import ConstraintGraph, GraphFactory, Snapshot
from ratelord_core.model.config import AgentConfig, Topology, WorkloadConfig
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.identity import Identity
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import Pool
from ratelord_core.testing.graph_cases import (
    INTENTS,
    REGISTERED,
    ask,
    cap,
    pools,
    provided,
    topologies,
)
from ratelord_core.testing.naive_graph import NaiveGraph


def _drawn(graph: ConstraintGraph, intent: Intent) -> dict[str, float | None] | None:
    try:
        return {draw.pool: draw.consumes for draw in graph.bind(intent).draws}
    except LookupError:
        return None


def _copy(picture: Snapshot) -> str:
    return repr(picture)


class GraphContract:
    """Inherit it, and override the fixture."""

    @pytest.fixture
    def factory(self) -> GraphFactory:
        """The factory under test."""
        raise RuntimeError("override the fixture `factory` to give the contract a graph to test")

    @pytest.fixture
    def graph(self, factory: GraphFactory) -> ConstraintGraph:
        """An empty graph."""
        return factory.build()

    def test_a_factory_has_a_name(self, factory: GraphFactory) -> None:
        assert factory.name

    @settings(
        max_examples=150,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.differing_executors,
        ],
    )
    @given(
        topology=topologies(),
        pools=pools(),
        later=pools(),
        registered=REGISTERED,
        intents=st.lists(INTENTS, min_size=1, max_size=6),
    )
    def test_binding_equals_a_scan_of_everything(
        self,
        factory: GraphFactory,
        topology: Topology,
        pools: tuple[Pool, ...],
        later: tuple[Pool, ...],
        registered: dict[str, str],
        intents: list[Intent],
    ) -> None:
        graph = factory.build()
        graph.configure(topology, pools)
        for intent in intents:
            _drawn(graph, intent)
        for pool in later:
            graph.put_pool(pool)
        for identity, provider in registered.items():
            graph.put_identity(Identity(identity, provider_id=provider))
        everything = NaiveGraph(topology, (*pools, *later), registered)
        for intent in [*intents, *intents]:
            assert _drawn(graph, intent) == everything.draws(intent)
            unpinned = ask(intent.agent_id, intent.identity_id, scope=intent.scope_id)
            assert graph.bind(unpinned).scopes == everything.scopes(intent.scope_id)

    def test_a_provider_without_an_identity_is_shared_by_all(self, graph: ConstraintGraph) -> None:
        graph.configure(Topology(providers={"gh": None}), (provided("gh/core"),))
        assert _drawn(graph, ask(identity="anybody")) == {"gh/core": None}

    def test_a_pool_with_members_is_drawn_from_by_its_members_only(
        self, graph: ConstraintGraph
    ) -> None:
        graph.configure(Topology(), (provided("gh/core", "pat:a"),))
        assert _drawn(graph, ask(identity="pat:a")) == {"gh/core": None}
        binding = graph.bind(ask(identity="pat:b"))
        assert binding.draws == ()
        assert len(binding.warnings) == 1

    def test_two_identities_with_their_own_pools_share_nothing(
        self, graph: ConstraintGraph
    ) -> None:
        graph.configure(Topology(providers={"gh": "pat:a"}), (provided("gh/core"),))
        graph.put_identity(Identity("pat:b", provider_id="gh"))
        graph.put_pool(provided("gh/pat:b/core", "pat:b"))
        assert _drawn(graph, ask(identity="pat:a")) == {"gh/core": None}
        assert _drawn(graph, ask(identity="pat:b")) == {"gh/pat:b/core": None}

    def test_a_registered_identity_joins_the_pools_of_its_provider(
        self, graph: ConstraintGraph
    ) -> None:
        graph.configure(Topology(providers={"gh": "pat:a"}), (provided("gh/core"),))
        assert _drawn(graph, ask(identity="pat:b")) == {}
        graph.put_identity(Identity("pat:b", provider_id="gh"))
        assert _drawn(graph, ask(identity="pat:b")) == {"gh/core": None}

    def test_a_workload_draws_from_the_pools_it_lists_and_the_identity_has(
        self, graph: ConstraintGraph
    ) -> None:
        scan = WorkloadConfig(consumes={"gh/search": 1, "gh/core": 10})
        graph.configure(
            Topology(workloads={"scan": scan}),
            (provided("gh/core"), provided("gh/search", default=False), provided("ai/tokens")),
        )
        graph.put_pool(provided("gh/pat:b/core", "pat:b"))
        assert _drawn(graph, ask()) == {"gh/core": 10, "gh/search": 1}
        assert _drawn(graph, ask(identity="pat:b")) == {"gh/pat:b/core": 10, "gh/search": 1}
        assert _drawn(graph, ask(workload="other")) == {"gh/core": None, "ai/tokens": None}

    def test_a_pool_that_a_workload_lists_and_nobody_knows_is_a_warning(
        self, graph: ConstraintGraph
    ) -> None:
        scan = WorkloadConfig(consumes={"gh/serch": 1})
        graph.configure(Topology(workloads={"scan": scan}), (provided("gh/search"),))
        assert any("gh/serch" in warning for warning in graph.bind(ask()).warnings)

    def test_a_cap_binds_whomever_its_patterns_name_whatever_is_pinned(
        self, graph: ConstraintGraph
    ) -> None:
        graph.configure(
            Topology(scopes={"repo:acme/*": "org:acme"}, workloads={}),
            (
                provided("gh/core"),
                *(cap("org", "scope:org:acme"), cap("crawlers", "crawler-*")),
                *(cap("other", "agent:other"), cap("all"), cap("mine", members=("pat:a",))),
            ),
        )
        assert _drawn(graph, ask(provider="gh", pool="core")) == dict.fromkeys(
            ["gh/core", "cap/org", "cap/crawlers", "cap/all", "cap/mine"]
        )

    def test_scopes_run_to_global_and_a_cycle_is_cut_with_a_warning(
        self, graph: ConstraintGraph
    ) -> None:
        scopes = {"repo:acme/*": "org:acme", "repo:acme/api": "env:dev", "a": "b", "b": "a"}
        graph.configure(Topology(scopes=scopes), (cap("all"),))
        assert graph.bind(ask()).scopes == ("repo:acme/api", "env:dev", "global")
        assert graph.bind(ask(scope="repo:acme/x")).scopes == ("repo:acme/x", "org:acme", "global")
        assert graph.bind(ask(scope="global")).scopes == ("global",)
        cycle = graph.bind(ask(scope="a"))
        assert cycle.scopes == ("a", "b", "global")
        assert any("a → b → a" in warning for warning in cycle.warnings)

    def test_an_agents_weight_comes_from_its_name_or_the_longest_pattern(
        self, graph: ConstraintGraph
    ) -> None:
        weights = {"crawler-*": AgentConfig(weight=2), "crawler-1": AgentConfig(weight=3)}
        graph.configure(Topology(agents=weights), ())
        assert graph.bind(ask("crawler-1")).weight == 3
        assert graph.bind(ask("crawler-9")).weight == 2
        assert graph.bind(ask("writer")).weight == 1

    @pytest.mark.parametrize(
        ("intent", "named", "hint"),
        [
            (ask(pool="cor"), "'cor'", "core"),
            (ask(provider="gi"), "'gi'", "gh"),
            (ask(provider="gh", pool="serch"), "'serch'", "search"),
            (ask(provider="gi", pool="core"), "'gi'", "gh"),
            (ask(pool="core", identity="pat:b"), "gh/core", "member"),
            (ask(provider="gh", identity="pat:b"), "gh", "member"),
            (ask(pool="same"), "'same'", "gh/same, hub/same"),
            (ask(pool="cap/other"), "cap/other", "shared_by"),
        ],
    )
    def test_a_pin_that_leads_nowhere_is_a_sentence_with_a_hint(
        self, graph: ConstraintGraph, intent: Intent, named: str, hint: str
    ) -> None:
        pools = [provided(f"gh/{name}", "pat:a") for name in ("core", "search", "same")]
        graph.configure(Topology(), (*pools, provided("hub/same"), cap("other", "nobody")))
        with pytest.raises(LookupError) as refused:
            graph.bind(intent)
        assert named in str(refused.value)
        assert hint in str(refused.value)
        assert "\n" not in str(refused.value)

    def test_first_seen_names_become_nodes_once(self, graph: ConstraintGraph) -> None:
        graph.configure(Topology(scopes={"repo:acme/*": "org:acme"}), ())
        seen = Dimensions("crawler-1", "pat:a", "scan", "repo:acme/api")
        assert graph.admit(seen)
        version = graph.version
        assert not graph.admit(seen)
        assert graph.version == version
        told = {(node.type, node.label) for node in graph.snapshot().nodes}
        assert told >= {
            *(("agent", "crawler-1"), ("identity", "pat:a"), ("workload", "scan")),
            *(("scope", "repo:acme/api"), ("scope", "org:acme"), ("scope", "global")),
        }

    def test_what_was_seen_and_registered_outlives_a_new_configuration(
        self, graph: ConstraintGraph
    ) -> None:
        graph.admit(Dimensions("crawler-1", "pat:a", "scan", "repo:acme/api"))
        graph.put_identity(Identity("pat:z", provider_id="gh"))
        graph.configure(Topology(providers={"gh": "pat:a"}), (provided("gh/core"),))
        told = {node.label for node in graph.snapshot().nodes}
        assert told >= {"crawler-1", "pat:a", "pat:z"}
        assert _drawn(graph, ask(identity="pat:z")) == {"gh/core": None}

    def test_a_configuration_takes_away_what_it_no_longer_declares(
        self, graph: ConstraintGraph
    ) -> None:
        graph.configure(Topology(providers={"gh": None}), (cap("old"),))
        graph.put_pool(provided("gh/core"))
        graph.configure(Topology(providers={"gh": None}), (cap("new"),))
        assert _drawn(graph, ask()) == {"gh/core": None, "cap/new": None}
        graph.configure(Topology(providers={"ai": None}), (cap("new"),))
        assert _drawn(graph, ask()) == {"cap/new": None}

    def test_a_deleted_identity_leaves_the_graph(self, graph: ConstraintGraph) -> None:
        graph.put_identity(Identity("pat:z"))
        graph.put_identity(Identity("pat:z", status="deleted"))
        assert "pat:z" not in {node.label for node in graph.snapshot().nodes}

    def test_a_change_of_membership_is_seen_by_the_very_next_question(
        self, graph: ConstraintGraph
    ) -> None:
        graph.configure(Topology(), (provided("gh/core", "pat:a"),))
        assert _drawn(graph, ask(identity="pat:b")) == {}
        graph.put_pool(provided("gh/core", "pat:b"))
        assert _drawn(graph, ask(identity="pat:b")) == {"gh/core": None}
        assert _drawn(graph, ask(identity="pat:a")) == {}

    def test_a_snapshot_never_changes_after_it_was_taken(self, graph: ConstraintGraph) -> None:
        scan = WorkloadConfig(consumes={"gh/core": 10})
        graph.configure(Topology(workloads={"scan": scan}), (provided("gh/core"), cap("a", "w-*")))
        taken = graph.snapshot()
        before = _copy(taken)
        assert graph.snapshot() is taken
        graph.admit(Dimensions("w-1", "pat:q", "scan", "org:new"))
        graph.put_pool(provided("gh/core", "pat:a", "pat:b"))
        graph.put_identity(Identity("pat:q", provider_id="gh", labels={"x": "y"}))
        graph.configure(Topology(), ())
        assert _copy(taken) == before
        assert graph.snapshot().version > taken.version

    def test_a_snapshot_has_every_end_of_every_edge_in_a_stable_order(
        self, graph: ConstraintGraph
    ) -> None:
        graph.configure(Topology(), (provided("gh/core", "pat:b", "pat:a"), cap("x", "agent:a")))
        graph.admit(Dimensions("a", "pat:a", "scan", "org:x"))
        picture = graph.snapshot()
        ids = [node.id for node in picture.nodes]
        assert ids == sorted(set(ids))
        ends = {end for edge in picture.edges for end in (edge.from_id, edge.to_id)}
        assert ends <= set(ids)
        told = [(edge.from_id, edge.to_id, edge.type) for edge in picture.edges]
        assert told == sorted(set(told))

    def test_around_a_node_lies_what_is_connected_within_so_many_hops(
        self, graph: ConstraintGraph
    ) -> None:
        graph.configure(Topology(), (provided("gh/core", "pat:a"),))
        graph.admit(Dimensions("crawler-1", "pat:a", "scan", "global"))
        near = graph.around("identity:pat:a", 1)
        assert [node.label for node in near.nodes] == ["crawler-1", "pat:a", "gh/core"]
        assert {edge.type for edge in near.edges} == {"uses", "depletes"}
        assert len(graph.around("pat:a", 2).nodes) > len(near.nodes)
        with pytest.raises(LookupError, match="pat:x"):
            graph.around("pat:x")

    def test_a_path_is_told_in_words(self, graph: ConstraintGraph) -> None:
        graph.configure(Topology(), (provided("gh/core", "pat:a"),))
        graph.admit(Dimensions("crawler-1", "pat:a", "scan", "global"))
        told = graph.explain("crawler-1", "gh/core")
        assert told.index("crawler-1") < told.index("pat:a") < told.index("gh/core")
        assert "Nothing connects" in graph.explain("workload:scan", "pool:gh/core")
        with pytest.raises(LookupError, match="crawler-7"):
            graph.explain("crawler-7", "gh/core")
