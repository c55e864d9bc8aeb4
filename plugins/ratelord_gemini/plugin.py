"""Registers the ``gemini`` provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ratelord_core import __version__, hookimpl

if TYPE_CHECKING:
    from ratelord_core.clock import Clock
    from ratelord_core.model.config import ProviderConfig
    from ratelord_core.provider import Provider, ProviderFactory


class GeminiFactory:
    """Builds accounts."""

    name = "gemini"
    version = __version__

    def build(
        self, config: ProviderConfig, secret: Callable[[], str | None], clock: Clock
    ) -> Provider:
        """An account; the credential is resolved when a poll needs it."""
        from ratelord_gemini.provider import build  # noqa: PLC0415 - a listing never pays for an HTTP client

        return build(config, secret, clock)


@hookimpl
def ratelord_register_providers() -> list[ProviderFactory]:
    """One factory, named ``gemini``."""
    return [GeminiFactory()]
