"""Registers the ``github`` provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ratelord_core import __version__, hookimpl

if TYPE_CHECKING:
    from ratelord_core.clock import Clock
    from ratelord_core.model.config import ProviderConfig, WorkloadConfig
    from ratelord_core.provider import Provider, ProviderFactory


class GithubFactory:
    """Builds accounts at github.com, GitHub Enterprise Cloud or Server."""

    name = "github"
    version = __version__

    def build(
        self, config: ProviderConfig, secret: Callable[[], str | None], clock: Clock
    ) -> Provider:
        """An account; without a secret it polls what an unauthenticated caller may use."""
        from ratelord_core.outbound import Connection  # noqa: PLC0415 - a listing never pays for an HTTP client
        from ratelord_github.options import read_options  # noqa: PLC0415 - as above
        from ratelord_github.provider import GithubProvider  # noqa: PLC0415 - as above

        options = read_options(config)
        return GithubProvider(Connection(config.id, secret, clock, options.timeout), options)

    def workloads(self, config: ProviderConfig) -> Mapping[str, WorkloadConfig]:
        """What common calls take of the account's pools, if its option ``workloads`` asks for
        them."""
        from ratelord_github.calls import shipped  # noqa: PLC0415 - for policies that ask for it

        return shipped(config.id, config.options.get("workloads"))


@hookimpl
def ratelord_register_providers() -> list[ProviderFactory]:
    """One factory, named ``github``."""
    return [GithubFactory()]
