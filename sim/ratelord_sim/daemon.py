"""A daemon on the stage: the real engine, its clock, its log, its tick, and how it falls over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

import msgspec

from ratelord_core import __version__
from ratelord_core.clock import Clock, SeededEntropy, SystemClock
from ratelord_core.engine import Engine, State
from ratelord_core.engine.negotiator import Repeated
from ratelord_core.errors import Refused
from ratelord_core.events.envelope import Draft
from ratelord_core.events.payloads import IntentReported, SystemStarted
from ratelord_core.model.decision import Decision
from ratelord_core.model.ids import uuid_bytes
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent, Report
from ratelord_core.model.observation import Observation
from ratelord_core.policy.stack import PolicyStack
from ratelord_core.replay import Blank, replay
from ratelord_core.watch import Account
from ratelord_sim.log import Log
from ratelord_sim.poller import Poller
from ratelord_sim.scenario.model import DaemonTerms
from ratelord_sim.stage import Process, Stage

Tell = Callable[[Decision | Refused | None], None]
"""Where an answer goes; None: the connection broke."""

_encode = msgspec.json.Encoder(order="sorted").encode


class Listener:
    """Hears of everything that the daemon decides or learns; the stage's reporters override it."""

    def decided(self, intent: Intent, decision: Decision) -> None:
        """An intent was decided (not yet written down)."""

    def settled(self, pools: Sequence[str]) -> None:
        """A report used more of these pools than was held, or earlier, or told numbers of them."""

    def wrote(self, drafts: Sequence[Draft]) -> None:
        """These became durable."""

    def polling(self, account_id: str, *, ok: bool) -> None:
        """A poll's outcome is about to be taken in."""

    def polled(self, account_id: str, *, ok: bool) -> None:
        """It was."""

    def ticked(self) -> None:
        """The daemon looked around."""


class Host:
    """The machine that a daemon runs on: its wall clock may step."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.step: Micros = 0

    def wall(self) -> int:
        """Nanoseconds since the epoch, as this machine believes."""
        return (self._stage.now + self.step) * 1000

    def monotonic(self) -> int:
        """Nanoseconds since some instant; nothing steps it."""
        return (self._stage.now - self._stage.start) * 1000


class Daemon:
    """One daemon over its lives: ``crash`` ends one, ``start`` begins the next from the log."""

    def __init__(
        self,
        stage: Stage,
        terms: DaemonTerms,
        stack: PolicyStack,
        blank: Blank,
        accounts: Iterable[Account],
        seed: int,
        listener: Listener,
    ) -> None:
        self.stage = stage
        self.terms = terms
        self.stack = stack
        self.host = Host(stage)
        self.log = Log(seed + 1)
        self.listener = listener
        self.alive = False
        self.life = 0
        self.lives = 0
        self._blank = blank
        self._entropy = SeededEntropy(seed)
        self.accounts = tuple(accounts)
        self._unsaved: list[Draft] = []
        self._waiting: list[Callable[[], None]] = []
        self._committing = False
        self.clock: Clock = SystemClock(wall=self.host.wall, monotonic=self.host.monotonic)
        self.engine = Engine(blank.state(), stack, self._entropy)
        self.poller = Poller(self, self.accounts)

    # --- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin a life with nothing but the log, the policy and the machine's clock."""
        self.lives += 1
        self.life += 1
        self.clock = SystemClock(
            self.log.newest, wall=self.host.wall, monotonic=self.host.monotonic
        )
        state = self.replayed() if self.log.length else self._blank.state()
        self.engine = Engine(state, self.stack, self._entropy)
        self.alive = True
        now = self.clock.now()
        self.engine.write(now, SystemStarted(version=__version__, recovered_seq=self.log.length))
        pools = tuple(pool for account in self.accounts for pool in account.pools())
        self.engine.configure(self.stack, pools + self.stack.document.pools, now)
        self.poller = Poller(self, self.accounts)
        self.poller.begin()
        self.commit_later()
        self.stage.spawn(self._ticking(self.life))

    def crash(self) -> None:
        """Lose everything that is not in the log, and everybody who waits."""
        self.alive = False
        self.life += 1
        self._unsaved, self._waiting, self._committing = [], [], False

    def flush(self) -> None:
        """Make durable at once whatever is not: the play is over."""
        drafts = self._unsaved + self.engine.take()
        self._unsaved = []
        self.log.append(drafts, self.clock.now())

    def replayed(self) -> State:
        """The state that the log alone gives."""
        return replay(self.log.records(), self._blank.state())

    @property
    def starting(self) -> bool:
        """Whether some provider has not been tried yet, so that nobody is answered."""
        return self.poller.starting

    def _ticking(self, life: int) -> Process:
        while True:
            yield self.terms.tick
            if self.life != life:
                return
            self.engine.lookout.look(self.clock.now())
            self.commit_later()
            self.listener.ticked()

    # --- the log ------------------------------------------------------------------------------

    def commit_later(self, then: Callable[[], None] | None = None) -> None:
        """What was written down will be durable with the next commit; then tell."""
        drafts = self.engine.take()
        self._unsaved += drafts
        if then is not None:
            self._waiting.append(then)
        if (drafts or then) and not self._committing:
            self._committing = True
            life = self.life
            self.stage.after(self.terms.commit, lambda: self._commit(life))

    def _commit(self, life: int) -> None:
        if life != self.life:
            return
        drafts, waiting = self._unsaved, self._waiting
        self._unsaved, self._waiting, self._committing = [], [], False
        self.log.append(drafts, self.clock.now())
        self.listener.wrote(drafts)
        for tell in waiting:
            tell()

    # --- what agents ask ----------------------------------------------------------------------

    def ask(self, intent: Intent, tell: Tell) -> None:
        """Decide; the answer is told once it is durable."""
        if not self.alive:
            tell(None)
            return
        if self.starting:
            tell(Refused("the daemon is starting; ask again in a moment", code="starting"))
            return
        try:
            decided = self.engine.negotiator.negotiate(intent, self.clock.now(), "http")
        except Refused as error:
            self.commit_later()
            tell(error)
            return
        if isinstance(decided, Repeated):
            raw = uuid_bytes(decided.intent_id)
            self.commit_later(lambda: tell(self.log.decision(raw)))
            return
        self.listener.decided(intent, decided)
        self.commit_later(lambda: tell(decided))

    def report(
        self,
        intent_id: str,
        report: Report,
        seen: Sequence[Observation],
        tell: Callable[[bool], None],
    ) -> None:
        """Settle; told True once it is durable, False if nobody could take it."""
        if not self.alive or self.starting:
            tell(False)
            return
        now, engine = self.clock.now(), self.engine
        digest = sha256(_encode(report)).hexdigest()[:16]
        try:
            done = engine.settler.report(intent_id, report, digest, now, "http")
        except Refused:
            tell(True)
            return
        hold = engine.state.ledger.find(intent_id)
        if done is None:
            event = IntentReported(outcome=report.outcome, late=True, body=digest)
            engine.scribe.write(now, event, intent_id=uuid_bytes(intent_id))
        elif not done.duplicate:
            lines = done.settlement.lines
            early = hold is not None and hold.start > now  # it did not wait as it was told
            above = [line.pool for line in lines if line.used > line.held or line.expired or early]
            if seen and hold is not None:
                dated = min(hold.start, now)
                told = [msgspec.structs.replace(one, dated=dated) for one in seen]
                above += engine.observer.in_passing(told, now, "headers", "http")
            self.listener.settled(above)
        self.commit_later(lambda: tell(True))
