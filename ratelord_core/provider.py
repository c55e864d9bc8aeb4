"""What the core asks of a provider plugin: poll on its own time, read headers in passing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import msgspec

from ratelord_core.clock import Clock
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool


class PollRequest(msgspec.Struct, frozen=True):
    """What a poll may use. ``state`` is what this provider's last successful poll left ("" at
    first). ``settled`` are the units that the ledger ever settled, by pool id: simulated providers
    count them, real ones know better."""

    state: str = ""
    settled: Mapping[str, int] = {}


class PollResult(msgspec.Struct, frozen=True):
    """What a poll found. ``dated`` is when its request was sent. ``next_poll`` (µs from now)
    overrides the schedule once."""

    dated: Micros
    observations: tuple[Observation, ...] = ()
    state: str = ""
    next_poll: Micros | None = None


class Provider(Protocol):
    """One account at one provider."""

    provider_id: str
    poll_interval: Micros

    def pools(self) -> tuple[Pool, ...]:
        """The pools known before the first poll, with unit, window and whether they are default."""
        ...

    async def poll(self, request: PollRequest) -> PollResult:
        """Ask the provider. Raises ``ProviderFailed`` with its kind."""
        ...

    def read_headers(self, headers: Mapping[str, str], dated: Micros) -> tuple[Observation, ...]:
        """The limits that a response's headers tell (names in lower case); malformed ones tell
        nothing. Pure."""
        ...

    async def aclose(self) -> None:
        """Give up connections."""
        ...


@runtime_checkable
class Injectable(Protocol):
    """A provider that can be told what to report: the mock."""

    def inject(self, pool_id: str, usage: int | None, limit: int | None) -> None:
        """From the next poll on, report this usage and limit."""
        ...


class ProviderFactory(Protocol):
    """Builds the accounts of one kind of provider."""

    name: str
    version: str

    def build(
        self, config: ProviderConfig, secret: Callable[[], str | None], clock: Clock
    ) -> Provider:
        """An account from its configuration; ``secret`` resolves the credential when it is needed.

        Raises ``SettingsError`` naming the option, its value and what would be right.
        """
        ...
