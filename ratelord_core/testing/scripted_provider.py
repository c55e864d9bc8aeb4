"""A provider that does at each poll what a script says: answers, fails, raises, hangs, lies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio

from ratelord_core.clock import Clock
from ratelord_core.errors import ProviderFailed
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.provider import PollRequest, PollResult

Act = Callable[["ScriptedProvider"], Awaitable[Any]]
"""What happens at one poll."""


class ScriptedProvider:
    """Implements ``Provider``. The script's last act is repeated for ever; without one every poll
    reports a limit of 100. Remembers the instants and requests of its polls."""

    def __init__(
        self, name: str, clock: Clock, *script: Act, interval: Micros = 10 * SECOND
    ) -> None:
        self.provider_id = name
        self.poll_interval = interval
        self.clock = clock
        self.polls: list[Micros] = []
        self.requests: list[PollRequest] = []
        self.closed = 0
        self._script = list(script) or [succeed]

    def pools(self) -> tuple[Pool, ...]:
        """One pool, ``core``."""
        return (Pool(self.provider_id, "core"),)

    async def poll(self, request: PollRequest) -> PollResult:
        """Play the next act."""
        self.polls.append(self.clock.now())
        self.requests.append(request)
        act = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        answer: PollResult = await act(self)
        return answer

    def read_headers(self, headers: Mapping[str, str], dated: Micros) -> tuple[Observation, ...]:
        """A limit of as many units as there are headers."""
        return (Observation(self.provider_id, "core", dated, limit=len(headers)),)

    async def aclose(self) -> None:
        """Count the call."""
        self.closed += 1


async def succeed(provider: ScriptedProvider) -> PollResult:
    """Report a limit of 100, and the number of polls as state."""
    now = provider.clock.now()
    seen = Observation(provider.provider_id, "core", now, limit=100)
    return PollResult(now, (seen,), state=f"poll {len(provider.polls)}")


async def hang(provider: ScriptedProvider) -> None:
    """Never answer."""
    del provider
    await anyio.sleep_forever()


def asking_for(span: Micros) -> Act:
    """Succeed, and ask for the next poll after this many µs."""

    async def act(provider: ScriptedProvider) -> PollResult:
        return PollResult(provider.clock.now(), next_poll=span)

    return act


def failing(kind: str = "server_error", retry_after: float | None = None) -> Act:
    """Fail properly, with this kind."""
    return raising(ProviderFailed(kind, "scripted", retry_after))


def raising(error: BaseException) -> Act:
    """Raise it, as a defective plugin would."""

    async def act(provider: ScriptedProvider) -> PollResult:
        del provider
        raise error

    return act


def answering(answer: object) -> Act:
    """Give this for a result, whatever it is."""

    async def act(provider: ScriptedProvider) -> object:
        del provider
        return answer

    return act
