"""The plugin offers its graph under ``ratelord_register_graphs``, and costs nothing until built."""

from __future__ import annotations

import subprocess
import sys

from ratelord_core import plugins
from ratelord_networkx.plugin import NetworkxFactory


def test_the_graph_is_found_by_its_name() -> None:
    found = plugins.load().named("ratelord_register_graphs")
    assert isinstance(found["networkx"], NetworkxFactory)


def test_loading_the_plugin_does_not_load_networkx() -> None:
    program = (
        "import sys, ratelord_networkx.plugin as p;"
        "assert 'networkx' not in sys.modules;"
        "p.NetworkxFactory().build();"
        "assert 'networkx' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
