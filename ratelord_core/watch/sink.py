"""Who hears of polls: the daemon's side of the watcher."""

from __future__ import annotations

from typing import Protocol

from ratelord_core.errors import ProviderFailed
from ratelord_core.model.instant import Micros
from ratelord_core.provider import PollRequest, PollResult
from ratelord_core.watch.schedule import Load


class Sink(Protocol):
    """Who hears of polls. ``account_id`` is the provider id, or ``provider_id/identity_id`` for
    the account of an identity that the configuration does not declare: the beginning of the keys
    of its pools, as in every observation."""

    def poll_request(self, account_id: str) -> PollRequest:
        """The account's state, and the settled units of its pools (by pool id, with or without the
        identity's prefix)."""
        ...

    def load(self, account_id: str, interval: Micros) -> Load:
        """What the account's pools are going through, if it is polled once an interval (µs)."""
        ...

    async def polled(
        self,
        account_id: str,
        identity_id: str | None,
        plugin: str,
        version: str,
        result: PollResult,
        next_poll: Micros,
    ) -> None:
        """A poll succeeded; the next is due at the instant ``next_poll``."""
        ...

    async def failed(
        self,
        account_id: str,
        identity_id: str | None,
        plugin: str,
        version: str,
        error: ProviderFailed,
        failures: int,
        next_poll: Micros,
    ) -> None:
        """A poll failed, for the ``failures``-th time in a row."""
        ...

    async def state_changed(self, account_id: str, before: str, after: str, reason: str) -> None:
        """An account turned healthy, degraded or open; ``open`` makes its pools stale."""
        ...

    async def unauthorized(self, identity_id: str) -> None:
        """The provider refused this identity's credential again and again."""
        ...
