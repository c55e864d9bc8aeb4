"""How provider accounts fare: when circuits open, what is hit while they are, when they heal."""

from __future__ import annotations

from collections.abc import Sequence

from ratelord_core.events.envelope import Draft
from ratelord_core.events.payloads import ProviderError, ProviderStateChanged
from ratelord_core.model.instant import Micros
from ratelord_sim.daemon import Daemon, Listener
from ratelord_sim.provider.service import Service


class Circuits(Listener):
    """Counts turns of circuits."""

    def __init__(self, daemon: Daemon, services: dict[str, Service]) -> None:
        self._daemon = daemon
        self._services = services
        self.opened = 0
        self.healed = 0
        self.open_spans: list[Micros] = []
        """How long each open circuit stayed so, until it healed."""
        self.calls_while_open = 0
        """Requests of agents that reached a provider whose circuit was open."""
        self.failed_polls = 0
        self.retries: list[Micros] = []
        """The pause after each failed poll, in order."""
        self._since: dict[str, tuple[Micros, int]] = {}

    def wrote(self, drafts: Sequence[Draft]) -> None:
        for draft in drafts:
            payload = draft.payload
            if isinstance(payload, ProviderStateChanged):
                self._turned(payload)
            elif isinstance(payload, ProviderError):
                self.failed_polls += 1
                self.retries.append((payload.next_poll or draft.ts_event) - draft.ts_event)

    def _turned(self, turn: ProviderStateChanged) -> None:
        now, calls = self._daemon.stage.now, self._services[turn.provider_id].calls
        if turn.after == "open":
            self.opened += 1
            self._since[turn.provider_id] = (now, calls)
        elif turn.before == "open" and turn.provider_id in self._since:
            since, before = self._since.pop(turn.provider_id)
            self.healed += 1
            self.open_spans.append(now - since)
            self.calls_while_open += calls - before

    def finish(self) -> None:
        """Circuits that are still open count up to now."""
        for account_id, (_, before) in self._since.items():
            self.calls_while_open += self._services[account_id].calls - before

    @property
    def backoff(self) -> float | None:
        """The longest pause after a failed poll, in multiples of the first; None without two."""
        if len(self.retries) < 2 or not self.retries[0]:
            return None
        return max(self.retries) / self.retries[0]
