"""One account's course through good and bad polls: what each outcome changes, what is due next."""

from __future__ import annotations

import msgspec

from ratelord_core.errors import ProviderFailed
from ratelord_core.model.instant import Micros, to_text
from ratelord_core.model.views import ProviderHealth
from ratelord_core.provider import PollResult
from ratelord_core.watch.circuit import INITIALIZING, OPEN, STATES, Circuit
from ratelord_core.watch.schedule import STEADY, Load, Schedule

Outcome = PollResult | ProviderFailed
"""What a poll came to."""


class Turn(msgspec.Struct, frozen=True):
    """What an outcome turned: the account's state before and after, why, and whether its
    credential is suspect from now on."""

    before: str
    after: str
    reason: str
    suspect: bool

    @property
    def changed(self) -> bool:
        """Whether the state is another one."""
        return self.before != self.after


class Course:
    """Circuit, rhythm and next due instant of one account. It waits for nothing: whoever polls
    (the watcher in real time, a simulation in virtual time) tells it how a poll ended."""

    def __init__(
        self,
        interval: Micros,
        due: Micros,
        *,
        state: str = INITIALIZING,
        failures: int = 0,
        threshold: int = 5,
    ) -> None:
        known = state if state in STATES else INITIALIZING
        self.circuit = Circuit(known, failures, threshold=threshold)
        self.due = due
        self.last_success: Micros | None = None
        self.last_error: str | None = None
        self._schedule = Schedule(interval)
        self._idle = 0
        self._failed_at = self._ordered = due
        """When a poll failed last, and until when the provider asked for patience then. Of what was
        before a restart that is the instant which was due by then."""
        self._heard = 0

    def ended(self, outcome: Outcome, now: Micros, chance: float, load: Load = STEADY) -> Turn:
        """A poll ended now, so, while its pools were under this load; ``chance`` is in [0, 1). Sets
        when the next one is due."""
        before = self.circuit.state
        if isinstance(outcome, PollResult):
            self.circuit = self.circuit.succeeded()
            self.last_success, self.last_error = now, None
            self._heard = 0
            self._idle = self._idle + 1 if load.idle else 0
            self.due = self._schedule.after_success(
                now, chance, outcome.next_poll, load, self._idle
            )
            reason = "poll succeeded"
        else:
            self.circuit = self.circuit.failed(outcome.kind)
            self.last_error = reason = str(outcome)
            failures = self.circuit.failures
            self.due = self._schedule.after_failure(now, failures, chance, outcome.retry_after)
            self._failed_at = now
            self._ordered = now if outcome.retry_after is None else self.due
        return Turn(before, self.circuit.state, reason, self.circuit.credential_suspect)

    def heard(self, dated: Micros, now: Micros, apart: Micros = 0) -> bool:
        """A call that was made then has been answered with limits, so an open circuit need not rest
        as long: whether its probe is due sooner now. Probes that were in vain all the same make
        the next one wait twice as long, as polls do; and polls are ``apart`` (µs) at least."""
        if self.circuit.state != OPEN or dated <= self._failed_at:
            return False
        sooner = self._schedule.after_hearing(self._failed_at, self._heard)
        due = max(now, self._ordered, sooner, self._failed_at + apart)
        if due >= self.due:
            return False
        self.due = due
        self._heard += 1
        return True

    def health(self, account_id: str, plugin: str) -> ProviderHealth:
        """The account's state as readers are shown it."""
        return ProviderHealth(
            provider_id=account_id,
            plugin=plugin,
            state=self.circuit.state,
            last_success=None if self.last_success is None else to_text(self.last_success),
            last_error=self.last_error,
            failures=self.circuit.failures,
            next_poll=to_text(self.due),
        )
