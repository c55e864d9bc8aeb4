"""The GitHub provider keeps the contract of all providers."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord_core.model.config import ProviderConfig
from ratelord_core.testing.provider_contract import ProviderContract
from ratelord_github.plugin import GithubFactory


class TestGithub(ProviderContract):
    factory = GithubFactory()

    @pytest.fixture
    def config(self, github: Any) -> ProviderConfig:
        return ProviderConfig(plugin="github", id="gh", options={"enterprise_url": github.url})
