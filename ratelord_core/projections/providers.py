"""How every provider account fares: its memory, its last success, its failures in a row."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from ratelord_core.events.payloads import ProviderError, ProviderPollObserved, ProviderStateChanged
from ratelord_core.model.instant import Micros


class ProviderRecord(msgspec.Struct, frozen=True):
    """What the log says of one account."""

    provider_id: str
    plugin: str = ""
    state: str = "initializing"
    memory: str = ""
    last_success: Micros | None = None
    last_error: str | None = None
    failures: int = 0
    next_poll: Micros | None = None


class Providers:
    """Provider accounts by id."""

    def __init__(self) -> None:
        self._known: dict[str, ProviderRecord] = {}

    def get(self, provider_id: str) -> ProviderRecord:
        """What is known of an account; a fresh record if nothing is."""
        return self._known.get(provider_id) or ProviderRecord(provider_id)

    def __iter__(self) -> Iterator[ProviderRecord]:
        return iter(self._known.values())

    def polled(self, seen: ProviderPollObserved, now: Micros) -> None:
        """A poll succeeded."""
        self._known[seen.provider_id] = replace(
            self.get(seen.provider_id),
            plugin=seen.plugin,
            memory=seen.state,
            last_success=now,
            failures=0,
            next_poll=seen.next_poll,
        )

    def failed(self, error: ProviderError) -> None:
        """A poll failed."""
        self._known[error.provider_id] = replace(
            self.get(error.provider_id),
            plugin=error.plugin,
            last_error=f"{error.kind}: {error.detail}" if error.detail else error.kind,
            failures=error.failures,
            next_poll=error.next_poll,
        )

    def turned(self, change: ProviderStateChanged) -> None:
        """An account's health changed."""
        self._known[change.provider_id] = replace(self.get(change.provider_id), state=change.after)
