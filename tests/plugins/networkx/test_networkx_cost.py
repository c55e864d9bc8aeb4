"""Asking costs what the answer is long, not what the graph is large."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest

from ratelord_core.graph import ConstraintGraph
from ratelord_core.model.config import Topology
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.identity import Identity
from ratelord_core.testing.graph_cases import ask, cap, provided
from ratelord_networkx.binder import REMEMBERED, Binder
from ratelord_networkx.plugin import NetworkxFactory


def _calls(graph: ConstraintGraph, **names: Any) -> int:
    """How many functions one fresh question calls. Nobody looks for garbage meanwhile: whoever
    listens to that would be called too."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    gc.disable()
    sys.setprofile(note)
    try:
        graph.bind(ask(**names))
    except LookupError:
        pass
    finally:
        sys.setprofile(before)
        gc.enable()
    return count


def _grown(identities: int) -> ConstraintGraph:
    graph = NetworkxFactory().build()
    topology = Topology(
        providers={"gh": "pat:0", **{f"p{n}": f"pat:{n}" for n in range(identities)}},
        scopes={f"repo:org{n:06}/*": f"org:{n:06}" for n in range(identities)},
    )
    caps = [cap(f"a{n:06}", f"agent:agent-{n:06}") for n in range(identities)]
    graph.configure(topology, (provided("gh/core"), *caps))
    for n in range(identities):
        graph.put_identity(Identity(f"pat:{n:06}", provider_id="gh"))
        graph.put_pool(provided(f"gh/pat:{n:06}/core", f"pat:{n:06}"))
        graph.admit(Dimensions(f"agent-{n:06}", f"pat:{n:06}", "scan", f"repo:org{n:06}/x"))
    return graph


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"pool": "core"},
        {"provider": "gh", "pool": "core"},
        {"provider": "gh"},
        {"pool": "gh/pat:000007/core"},
        {"pool": "cor"},
    ],
)
def test_a_fresh_answer_costs_the_same_in_a_graph_a_hundred_times_as_large(
    names: dict[str, str],
) -> None:
    asked = {
        "agent": "agent-000007",
        "identity": "pat:000007",
        "scope": "repo:org000007/x",
        **names,
    }
    assert _calls(_grown(1000), **asked) == _calls(_grown(10), **asked)


def test_the_second_answer_is_the_first_one() -> None:
    graph = _grown(10)
    assert graph.bind(ask()) is graph.bind(ask())


def test_remembered_answers_stay_bounded_whatever_is_asked() -> None:
    binder = Binder()
    binder.configure(Topology(), (cap("all"),))
    kept = binder.bind(ask("faithful"))
    for number in range(3 * REMEMBERED):
        binder.bind(ask(f"agent-{number}"))
        if number % 1000 == 0:
            assert binder.bind(ask("faithful")) is kept
    assert len(binder._young) + len(binder._old) <= 2 * REMEMBERED
