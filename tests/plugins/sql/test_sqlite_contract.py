"""The SQLite store keeps the contract of event stores."""

import pytest

from ratelord_core.testing.event_store_contract import EventStoreContract
from ratelord_sql.plugin import SqliteStores


class TestSqliteStore(EventStoreContract):
    @pytest.fixture
    def stores(self):
        return SqliteStores()
