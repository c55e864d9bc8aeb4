"""The networkx graph keeps the contract of every constraint graph."""

from __future__ import annotations

import pytest

from ratelord_core.graph import GraphFactory
from ratelord_core.testing.graph_contract import GraphContract
from ratelord_networkx.plugin import NetworkxFactory


class TestNetworkxGraph(GraphContract):
    @pytest.fixture
    def factory(self) -> GraphFactory:
        return NetworkxFactory()
