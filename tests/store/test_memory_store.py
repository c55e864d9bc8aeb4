"""The store in memory keeps the contract of event stores."""

import pytest

from ratelord_core.testing.event_store_contract import EventStoreContract
from ratelord_core.testing.memory_store import MemoryStores


class TestMemoryStore(EventStoreContract):
    @pytest.fixture
    def stores(self):
        return MemoryStores()
