"""The mock keeps the contract of all providers, whatever window its pools have."""

from __future__ import annotations

import pytest

from ratelord_core.model.config import ProviderConfig
from ratelord_core.testing.provider_contract import ProviderContract
from ratelord_mock.plugin import MockFactory


class TestDefaults(ProviderContract):
    factory = MockFactory()

    @pytest.fixture
    def config(self) -> ProviderConfig:
        return ProviderConfig(plugin="mock", id="mock-1")


class TestEveryWindow(ProviderContract):
    factory = MockFactory()

    @pytest.fixture
    def config(self) -> ProviderConfig:
        windows = {
            "fixed": {"kind": "fixed", "every": "1h"},
            "anchored": {"kind": "fixed", "reset_at": "2026-01-31T12:00:00Z", "every": "1h"},
            "calendar": {"kind": "calendar", "every": "day", "timezone": "Europe/Madrid"},
            "sliding": {"kind": "sliding", "every": 60},
            "bucket": {"kind": "bucket", "every": "60s", "burst": 7},
            "concurrency": {"kind": "concurrency"},
            "unbounded": {"kind": "unbounded"},
        }
        pools = {
            name: {"limit": None if name == "unbounded" else 50, "window": window, "used": 3}
            for name, window in windows.items()
        }
        return ProviderConfig(plugin="mock", id="mock-1", options={"pools": pools})
