"""Registers the ``github`` provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ratelord_core import __version__, hookimpl

if TYPE_CHECKING:
    from ratelord_core.clock import Clock
    from ratelord_core.model.config import ProviderConfig
    from ratelord_core.provider import Provider, ProviderFactory


class GithubFactory:
    """Builds accounts at github.com, GitHub Enterprise Cloud or Server."""

    name = "github"
    version = __version__

    def build(
        self, config: ProviderConfig, secret: Callable[[], str | None], clock: Clock
    ) -> Provider:
        """An account; without a secret it polls what an unauthenticated caller may use."""
        from ratelord_github.options import read_options  # noqa: PLC0415 - a listing never pays for an HTTP client
        from ratelord_github.provider import GithubProvider  # noqa: PLC0415 - as above

        return GithubProvider(config.id, read_options(config), secret, clock)


@hookimpl
def ratelord_register_providers() -> list[ProviderFactory]:
    """One factory, named ``github``."""
    return [GithubFactory()]
