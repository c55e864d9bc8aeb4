"""What the core asks of a provider plugin: poll on its own time, read headers in passing."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Protocol, runtime_checkable

import msgspec

from ratelord_core.clock import Clock
from ratelord_core.errors import SettingsError
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import MINUTE, SECOND, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.model.span import parse_span
from ratelord_core.policy.shipped import Shipping

__all__ = [
    "Comparing",
    "Costly",
    "Describing",
    "Injectable",
    "Passive",
    "PollRequest",
    "PollResult",
    "Provider",
    "ProviderFactory",
    "ProviderKind",
    "Shipping",
    "bad_option",
    "check_options",
    "read_timeout",
]


class PollRequest(msgspec.Struct, frozen=True):
    """What a poll may use. ``state`` is what this provider's last successful poll left ("" at
    first). ``settled`` are the units that the ledger ever settled, by pool id: simulated providers
    count them, real ones know better."""

    state: str = ""
    settled: Mapping[str, int] = {}


class PollResult(msgspec.Struct, frozen=True):
    """What a poll found. ``dated`` is when its request was sent. ``next_poll`` (µs from now)
    overrides the schedule once. ``pools`` declares pools that ``Provider.pools`` did not name."""

    dated: Micros
    observations: tuple[Observation, ...] = ()
    state: str = ""
    next_poll: Micros | None = None
    pools: tuple[Pool, ...] = ()


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
        nothing. No I/O, and no memory of the call."""
        ...

    async def aclose(self) -> None:
        """Give up connections; a second call does nothing."""
        ...


@runtime_checkable
class Injectable(Protocol):
    """A provider that can be told what to report: the mock."""

    def inject(self, pool_id: str, usage: int | None, limit: int | None) -> None:
        """From the next poll on, report this usage and limit. An unknown pool is ``NotFound``."""
        ...


@runtime_checkable
class Passive(Protocol):
    """A provider that may have nobody to poll: while ``passive`` is true its pools are never stale,
    however long nothing was heard of them."""

    passive: bool


@runtime_checkable
class Describing(Protocol):
    """A provider that knows the shape of pools which only turn up in passing: one for each model
    that is called, say."""

    def describe(self, pool_id: str) -> Pool | None:
        """The pool of that id, its limit yet unknown; None if it says no more of it than the
        observation does."""
        ...


@runtime_checkable
class Comparing(Protocol):
    """A provider that compares its clock with ours, by the ``Date`` of its answers."""

    @property
    def clock_ahead(self) -> Micros:
        """By how much (µs, negative: behind) its clock is ahead."""
        ...


@runtime_checkable
class Costly(Protocol):
    """A provider whose polls use up what it limits while ``poll_costs`` is true: they never come
    sooner than its interval, however much they would tell."""

    poll_costs: bool


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


class ProviderKind:
    """A ``ProviderFactory`` whose code is imported when the first account is built, so that a
    listing never pays for an HTTP client. ``target`` is ``module:function``; the function takes
    what ``build`` takes."""

    def __init__(self, name: str, version: str, target: str) -> None:
        self.name = name
        self.version = version
        self._target = target

    def build(
        self, config: ProviderConfig, secret: Callable[[], str | None], clock: Clock
    ) -> Provider:
        """An account; the credential is resolved when a poll needs it."""
        module, _, function = self._target.partition(":")
        made: Provider = getattr(import_module(module), function)(config, secret, clock)
        return made


def check_options(
    config: ProviderConfig,
    known: Collection[str],
    given: Mapping[str, object] | None = None,
    path: str = "",
) -> None:
    """Refuse options that a provider plugin does not know, with the nearest name that it does.

    For ``ProviderFactory.build``: looks at ``config.options``, or at ``given``, the mapping that
    lies there under ``path``. Raises ``SettingsError``.
    """
    for name in config.options if given is None else given:
        if name in known:
            continue
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it knows {', '.join(sorted(known))}"
        shown = f"{path}.{name}" if path else name
        raise SettingsError(
            f"provider {config.id}: {config.plugin} has no option {shown!r}; {hint}"
        )


def bad_option(config: ProviderConfig, name: str, value: object, right: str) -> SettingsError:
    """The error for an option's wrong value; ``right`` says what would be accepted."""
    return SettingsError(f"provider {config.id}: {name} is {value!r}; {right}")


def read_timeout(config: ProviderConfig, value: object) -> Micros:
    """The option ``timeout``: a span from 100 ms to 60 s. Raises ``SettingsError``."""
    try:
        span = parse_span(value)
    except ValueError:
        span = 0
    if not SECOND // 10 <= span <= MINUTE:
        raise bad_option(config, "timeout", value, "give a duration from 100ms to 60s")
    return span
