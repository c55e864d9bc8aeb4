"""A simulated provider as the daemon's plugin would be: polled, and checked like any other."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from ratelord_core import __version__
from ratelord_core.errors import ProviderFailed
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.provider import PollRequest, PollResult
from ratelord_core.watch import Account
from ratelord_sim.provider.service import Service

Told = TypeVar("Told")


class SimulatedProvider:
    """Implements ``Provider`` over a ``Service``. Its polls never wait: the stage does."""

    def __init__(self, service: Service) -> None:
        self.provider_id = service.terms.id
        self.poll_interval = service.terms.poll_interval
        self.service = service
        self.sent: Micros = 0
        """When the poll under way was sent, by the daemon's clock."""

    def pools(self) -> tuple[Pool, ...]:
        return self.service.declared()

    async def poll(self, request: PollRequest) -> PollResult:
        return PollResult(self.sent, self.service.numbers(self.sent))

    def read_headers(self, headers: Mapping[str, str], dated: Micros) -> tuple[Observation, ...]:
        return ()

    async def aclose(self) -> None:
        """Nothing to give up."""


def account_of(service: Service) -> Account:
    """The account that the daemon polls."""
    provider = SimulatedProvider(service)
    return Account(
        provider, plugin="simulated", version=__version__, identity_id=service.terms.identity
    )


def at_once(poll: Coroutine[Any, Any, Told]) -> Told:
    """What a coroutine gives that waits for nothing."""
    try:
        poll.send(None)
    except StopIteration as done:
        value: Told = done.value
        return value
    poll.close()
    raise ProviderFailed("plugin", "a simulated poll waited; only the stage may")
