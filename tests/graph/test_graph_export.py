"""A snapshot as JSON, DOT and Mermaid."""

from __future__ import annotations

import json
import re

from ratelord_core.graph import Edge, Node, Snapshot
from ratelord_core.graph.export import FORMATS, to_dict, to_dot, to_mermaid

AWKWARD = 'a "quoted" \\ name] | end; #1 <b>'
PICTURE = Snapshot(
    7,
    (
        Node("agent:x", "agent", "x"),
        Node("pool:gh/core", "pool", "gh/core", {"unit": "requests"}),
        Node(f"scope:{AWKWARD}", "scope", AWKWARD),
        Node("alien:y", "alien", "y"),
    ),
    (
        Edge("agent:x", "pool:gh/core", "triggers", {"units": 10}),
        Edge("pool:gh/core", f"scope:{AWKWARD}", "applies_to"),
    ),
)


def test_the_dictionary_has_the_wire_names_and_is_json() -> None:
    told = json.loads(json.dumps(to_dict(PICTURE)))
    assert told["version"] == 7
    assert told["nodes"][1] == {
        "id": "pool:gh/core",
        "type": "pool",
        "label": "gh/core",
        "properties": {"unit": "requests"},
    }
    assert told["edges"][0] == {
        "from_id": "agent:x",
        "to_id": "pool:gh/core",
        "type": "triggers",
        "properties": {"units": 10},
    }


def test_dot_quotes_every_name_and_escapes_quotes_and_backslashes() -> None:
    dot = to_dot(PICTURE)
    assert dot.startswith("digraph constraints {\n")
    assert dot.endswith("}\n")
    assert '"agent:x" -> "pool:gh/core" [label="triggers 10"];' in dot
    for line in dot.splitlines()[2:-1]:
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', "Q", line)
        assert re.fullmatch(r"  Q( -> Q)? \[label=Q(, shape=\w+)?\];", bare), line


def test_mermaid_names_nodes_by_number_and_escapes_its_own_syntax() -> None:
    mermaid = to_mermaid(PICTURE)
    assert mermaid.splitlines()[0] == "flowchart LR"
    assert '  n0 -->|"triggers 10"| n1' in mermaid.splitlines()
    for line in mermaid.splitlines()[1:]:
        bare = re.sub(r'"[^"]*"', "Q", line)
        assert re.fullmatch(r"  n\d+( -->\|Q\| n\d+|[\[\](){}/>]+Q[\[\](){}/]+)", bare), line
    assert "#34;quoted#34;" in mermaid
    assert "<b>" not in mermaid


def test_mermaid_leaves_out_an_edge_whose_end_is_not_in_the_picture() -> None:
    part = Snapshot(1, PICTURE.nodes[:1], PICTURE.edges)
    assert "-->" not in to_mermaid(part)


def test_the_same_snapshot_gives_the_same_text() -> None:
    for write in FORMATS.values():
        assert write(PICTURE) == write(PICTURE)
