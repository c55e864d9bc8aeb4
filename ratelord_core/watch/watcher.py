"""Runs every account on its own: polls when due, tells the sink, survives what a plugin does."""

from __future__ import annotations

import logging

import anyio
import anyio.lowlevel
import msgspec
from anyio.abc import TaskGroup

from ratelord_core.clock import Clock
from ratelord_core.model.ids import Entropy
from ratelord_core.model.instant import SECOND, Micros, to_seconds
from ratelord_core.model.views import ProviderHealth
from ratelord_core.provider import PollResult
from ratelord_core.watch.account import Account
from ratelord_core.watch.attempt import Sleep, attempt, close, sleep_for_real, within
from ratelord_core.watch.circuit import INITIALIZING
from ratelord_core.watch.course import Course, Outcome, Turn
from ratelord_core.watch.schedule import Load, draw
from ratelord_core.watch.sink import Sink

_log = logging.getLogger(__name__)


class _Watched:
    """An account with everything the watcher knows about it."""

    def __init__(self, account: Account, course: Course) -> None:
        self.account = account
        self.course = course
        self.removed = False
        self.poked = False
        self.life: anyio.CancelScope | None = None
        self.nap: anyio.CancelScope | None = None
        self.attempted = anyio.Event()


class Watcher:
    """Polls accounts that may come and go. ``timeout`` (µs) bounds one poll.

    Each account has its own task: one that hangs, raises or lies delays no other.
    """

    def __init__(
        self,
        sink: Sink,
        clock: Clock,
        entropy: Entropy,
        *,
        sleep: Sleep = sleep_for_real,
        timeout: Micros = 20 * SECOND,
        threshold: int = 5,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._entropy = entropy
        self._sleep = sleep
        self._timeout = timeout
        self._threshold = threshold
        self._accounts: dict[str, _Watched] = {}
        self._tasks: TaskGroup | None = None

    async def run(self) -> None:
        """Poll until cancelled; then every provider has given up its connections."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                for watched in list(self._accounts.values()):
                    tasks.start_soon(self._keep, watched)
                await anyio.sleep_forever()
            finally:
                self._tasks = None

    def add(
        self,
        account: Account,
        *,
        state: str = INITIALIZING,
        failures: int = 0,
        due: Micros | None = None,
        last_success: Micros | None = None,
        last_error: str | None = None,
    ) -> None:
        """Watch an account, in place of one of the same ``account_id``.

        Without ``due`` it is polled at once. After a restart the other arguments may continue what
        the log knows; a ``due`` still ahead is kept, and as that account's last attempt is on
        record, nobody waits for another.
        """
        self.remove(account.account_id)
        now = self._clock.now()
        course = Course(
            account.poll_interval,
            max(now, due or now),
            state=state,
            failures=failures,
            threshold=self._threshold,
        )
        course.last_success, course.last_error = last_success, last_error
        watched = _Watched(account, course)
        if course.due > now:
            watched.attempted.set()
        self._accounts[account.account_id] = watched
        if self._tasks is not None:
            self._tasks.start_soon(self._keep, watched)

    def remove(self, account_id: str) -> None:
        """Watch that account no longer; an unknown one is no error."""
        watched = self._accounts.pop(account_id, None)
        if watched is not None:
            watched.removed = True
            watched.attempted.set()
            if watched.life is not None:
                watched.life.cancel()

    def poke(self, account_id: str) -> bool:
        """Poll now (or again, right after the poll under way); False if nobody has that id."""
        watched = self._accounts.get(account_id)
        if watched is None:
            return False
        watched.poked = True
        if watched.nap is not None:
            watched.nap.cancel()
        return True

    def heard(self, account_id: str, dated: Micros) -> None:
        """A call made at the instant ``dated`` was answered with this account's limits: the probe
        of an open circuit may come sooner; not within an interval, if polls cost something."""
        watched = self._accounts.get(account_id)
        if watched is None:
            return
        apart = watched.account.poll_interval if watched.account.costly else 0
        if watched.course.heard(dated, self._clock.now(), apart) and watched.nap is not None:
            watched.nap.cancel()

    def account(self, account_id: str) -> Account | None:
        """The account of that id, if it is watched."""
        watched = self._accounts.get(account_id)
        return watched.account if watched else None

    def accounts(self) -> tuple[Account, ...]:
        """Every watched account."""
        return tuple(watched.account for watched in self._accounts.values())

    async def wait_first_attempts(self, timeout: Micros = 5 * SECOND) -> bool:  # noqa: ASYNC109 - the injected sleep measures it
        """Wait until every account's first poll has ended, well or badly; False if ``timeout`` (µs)
        ended first."""

        async def attempts() -> None:
            for watched in list(self._accounts.values()):
                await watched.attempted.wait()

        return await within(self._sleep, timeout, attempts)

    @property
    def initializing(self) -> bool:
        """Whether some account's first attempt has not ended yet."""
        return any(not watched.attempted.is_set() for watched in self._accounts.values())

    def health(self) -> dict[str, ProviderHealth]:
        """Every account's state, by account id."""
        return {name: _health(watched) for name, watched in sorted(self._accounts.items())}

    async def _keep(self, watched: _Watched) -> None:
        """Poll one account for as long as it is watched."""
        try:
            with anyio.CancelScope() as watched.life:
                while not watched.removed:
                    await self._until_due(watched)
                    await self._attempt(watched)
        finally:
            await close(watched.account, self._sleep)

    async def _until_due(self, watched: _Watched) -> None:
        while not watched.poked and (span := watched.course.due - self._clock.now()) > 0:
            with anyio.CancelScope() as watched.nap:
                await self._sleep(span)
            watched.nap = None
        watched.poked = False
        await anyio.lowlevel.checkpoint()

    async def _attempt(self, watched: _Watched) -> None:
        """One poll and everything that follows from it."""
        try:
            outcome = await attempt(
                watched.account, self._sink, self._clock, self._sleep, self._timeout
            )
            load = self._load(watched.account)
            turn = watched.course.ended(outcome, self._clock.now(), draw(self._entropy), load)
            # What a sink began to write down it may finish, even if that ends this account's watch.
            with anyio.CancelScope(shield=True):
                await self._tell(watched, outcome, turn)
        except Exception as error:  # noqa: BLE001 - a sink that fails (a full disk, say) must not end the polling
            name = watched.account.account_id
            _log.warning("the poll of %s could not be recorded: %r", name, error)
        finally:
            watched.attempted.set()

    def _load(self, account: Account) -> Load:
        """The load as it concerns the rhythm: polls that cost something never hurry."""
        load = self._sink.load(account.account_id, account.poll_interval)
        return Load(idle=load.idle) if account.costly else load

    async def _tell(self, watched: _Watched, outcome: Outcome, turn: Turn) -> None:
        """Tell the sink of the poll first, then of what turned because of it."""
        account, course = watched.account, watched.course
        name = (account.account_id, account.identity_id, account.plugin, account.version)
        if isinstance(outcome, PollResult):
            await self._sink.polled(*name, outcome, course.due)
        else:
            await self._sink.failed(*name, outcome, course.circuit.failures, course.due)
        if turn.changed:
            await self._sink.state_changed(account.account_id, turn.before, turn.after, turn.reason)
        if turn.suspect and account.identity_id is not None:
            await self._sink.unauthorized(account.identity_id)


def _health(watched: _Watched) -> ProviderHealth:
    """Everything that readers are shown of an account."""
    account, ahead = watched.account, watched.account.clock_ahead
    return msgspec.structs.replace(
        watched.course.health(account.account_id, account.plugin),
        headers_ignored=account.headers_ignored,
        clock_ahead_seconds=None if ahead is None else to_seconds(ahead),
    )
