"""Registers the provider ``openrouter``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ratelord_core import hookimpl

if TYPE_CHECKING:
    from ratelord_core.clock import Clock
    from ratelord_core.model.config import ProviderConfig
    from ratelord_core.provider import Provider


class OpenRouterFactory:
    """Builds one account for each entry under ``providers.openrouter``."""

    name = "openrouter"
    version = "0.1.0"

    def build(
        self, config: ProviderConfig, secret: Callable[[], str | None], clock: Clock
    ) -> Provider:
        """An account. ``secret`` is not called before a poll needs it."""
        from ratelord_openrouter.provider import (  # noqa: PLC0415 - a listing loads no HTTP client
            OpenRouterProvider,
            read_url,
        )

        return OpenRouterProvider(config, read_url(config), secret, clock)


@hookimpl
def ratelord_register_providers() -> list[OpenRouterFactory]:
    """One factory."""
    return [OpenRouterFactory()]
