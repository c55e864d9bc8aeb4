"""Polls on the stage: the watcher's own decisions (rhythm, backoff, circuit), in virtual time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ratelord_core.clock import SeededEntropy
from ratelord_core.errors import ProviderFailed
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.provider import PollResult
from ratelord_core.watch import Account
from ratelord_core.watch.attempt import no_answer
from ratelord_core.watch.course import Course, Outcome
from ratelord_core.watch.schedule import draw
from ratelord_core.watch.vetting import vet_dates
from ratelord_sim.provider.account import SimulatedProvider, at_once
from ratelord_sim.stage import Process

if TYPE_CHECKING:
    from ratelord_sim.daemon import Daemon

TIMEOUT: Micros = 20 * SECOND
"""When a poll is given up, as the watcher does."""
PATIENCE: Micros = 5 * SECOND
"""How long a start waits for first attempts."""


class Poller:
    """Polls every account of one life of the daemon."""

    def __init__(self, daemon: Daemon, accounts: Iterable[Account]) -> None:
        self._daemon = daemon
        self._accounts = tuple(accounts)
        self._courses: dict[str, Course] = {}
        self._untried: set[str] = set()
        self._began: Micros = 0

    @property
    def starting(self) -> bool:
        """Whether first attempts are still awaited."""
        return bool(self._untried) and self._daemon.stage.now < self._began + PATIENCE

    def state(self, account_id: str) -> str:
        """How an account fares: healthy, degraded, open."""
        return self._courses[account_id].circuit.state

    def begin(self) -> None:
        """Poll everybody from now on. The very first polls of a scenario take no time, so that it
        begins with a daemon that knows its limits."""
        daemon, engine = self._daemon, self._daemon.engine
        now, self._began = daemon.clock.now(), daemon.stage.now
        engine.state.polling.intervals = {
            one.account_id: one.poll_interval for one in self._accounts
        }
        engine.observer.members = {
            one.account_id: (one.identity_id,)
            for one in self._accounts
            if one.identity_id is not None
        }
        entropy = SeededEntropy(daemon.life)
        for account in self._accounts:
            record = engine.state.providers.get(account.account_id)
            told = record.failures > 0 and (record.last_error or "").startswith("rate_limited")
            due = max(now, record.next_poll or now) if told else now
            course = Course(
                account.poll_interval, due, state=record.state, failures=record.failures
            )
            self._courses[account.account_id] = course
            if due <= now:
                self._untried.add(account.account_id)
            daemon.stage.spawn(self._keep(account, course, entropy, daemon.life))

    def _keep(self, account: Account, course: Course, entropy: SeededEntropy, life: int) -> Process:
        """One account, for as long as this life lasts."""
        daemon, first = self._daemon, daemon_is_new(self._daemon)
        while True:
            yield max(0, course.due - daemon.clock.now())
            if daemon.life != life:
                return
            sent = daemon.clock.now()
            outcome: Outcome = yield from self._attempt(account, sent, at_once_too=first)
            first = False
            if daemon.life != life:
                return
            self._take(account, course, outcome, draw(entropy))

    def _attempt(self, account: Account, sent: Micros, *, at_once_too: bool) -> Process:
        """One poll: the numbers are those of the instant at which it arrives, half-way."""
        provider, daemon = account.provider, self._daemon
        if not isinstance(provider, SimulatedProvider):
            raise TypeError(f"{account.account_id} is not simulated")
        service = provider.service
        latency = 0 if at_once_too else service.poll_latency()
        if latency is None or latency > TIMEOUT:
            yield TIMEOUT
            return no_answer(TIMEOUT)
        failure = service.poll_failure()
        if latency:
            yield latency // 2
        outcome: Outcome
        try:
            provider.sent = sent
            request = daemon.engine.observer.poll_request(account.account_id, daemon.clock.now())
            outcome = failure or vet_dates(at_once(account.poll(request)), daemon.clock.now())
        except ProviderFailed as error:
            outcome = error
        if latency:
            yield latency - latency // 2
        return outcome

    def _take(self, account: Account, course: Course, outcome: Outcome, chance: float) -> None:
        """Tell the engine of the poll first, then of what turned because of it."""
        daemon, now = self._daemon, self._daemon.clock.now()
        observer, name = daemon.engine.observer, account.account_id
        succeeded = isinstance(outcome, PollResult)
        turn = course.ended(outcome, now, chance)
        daemon.listener.polling(name, ok=succeeded)
        if isinstance(outcome, PollResult):
            observer.polled(name, account.plugin, account.version, outcome, course.due, now)
            daemon.engine.lookout.look(now)
        else:
            failures = course.circuit.failures
            observer.failed(
                name, account.plugin, account.version, outcome, failures, course.due, now
            )
        if turn.changed:
            observer.turned(name, turn.before, turn.after, turn.reason, now)
        self._untried.discard(name)
        daemon.commit_later()
        daemon.listener.polled(name, ok=succeeded)


def daemon_is_new(daemon: Daemon) -> bool:
    """Whether this is the first life, whose first polls take no time."""
    return daemon.lives == 1
