"""Registers the ``mock`` provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ratelord_core import __version__, hookimpl

if TYPE_CHECKING:
    from ratelord_core.clock import Clock
    from ratelord_core.model.config import ProviderConfig
    from ratelord_core.provider import Provider, ProviderFactory


class MockFactory:
    """Builds simulated accounts."""

    name = "mock"
    version = __version__

    def build(
        self, config: ProviderConfig, secret: Callable[[], str | None], clock: Clock
    ) -> Provider:
        """A simulated account; it needs no secret."""
        from ratelord_mock.options import read_options  # noqa: PLC0415 - a listing never pays for it
        from ratelord_mock.provider import MockProvider  # noqa: PLC0415 - as above

        del secret
        return MockProvider(config.id, read_options(config), clock)


@hookimpl
def ratelord_register_providers() -> list[ProviderFactory]:
    """One factory, named ``mock``."""
    return [MockFactory()]
