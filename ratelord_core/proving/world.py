"""The world of one case: the real engine over a state that was given, at a clock to turn."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from ratelord_core.clock import SeededEntropy, SteppedClock
from ratelord_core.engine import Engine, State
from ratelord_core.engine.negotiator import Repeated
from ratelord_core.errors import RatelordError
from ratelord_core.events.lines import HeldLine
from ratelord_core.events.payloads import (
    IdentityQuarantined,
    IdentityRegistered,
    IdentityRevoked,
    ProviderStateChanged,
    SystemStarted,
    SystemStatusChanged,
)
from ratelord_core.ledger import Asker
from ratelord_core.model.decision import Decision
from ratelord_core.model.dimensions import DAEMON
from ratelord_core.model.identity import Identity
from ratelord_core.model.ids import UNKNOWN, split_pool_key
from ratelord_core.model.instant import DAY, Micros
from ratelord_core.model.intent import Intent, Report
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window
from ratelord_core.parts import Parts
from ratelord_core.policy.stack import PolicyStack
from ratelord_core.proving.stated import StatedBook
from ratelord_core.proving.terms import Given, GivenPool, Place

_encode = msgspec.json.Encoder(order="sorted").encode
_LONG: Final = 366 * DAY


class UngivableError(RatelordError):
    """What a case gives cannot be: a pool of nobody, a limit of a cap that the policy declares."""

    code = "ungivable"

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.place = place


class World:
    """One policy over one given state. Nothing is written down."""

    def __init__(self, policy: PolicyStack, given: Given, parts: Parts) -> None:
        settings = policy.document.settings
        self.clock = SteppedClock(given.time)
        model = parts.model(settings.forecast_model)
        graph = parts.blank(settings.forecast_model).state().graph
        state = State(graph, StatedBook(model, given.forecasts))
        self.engine = Engine(state, policy, SeededEntropy(given.seed))
        now = given.time
        self.engine.write(now, SystemStarted(version="case"))
        self.engine.configure(policy, parts.pools(policy.document), now)
        state.polling.intervals = self._watched(given, parts.intervals(policy.document))
        self._give(given)
        self._forget()

    @staticmethod
    def _watched(given: Given, intervals: dict[str, Micros]) -> dict[str, Micros]:
        """Accounts whose data may grow old: those of which the case says so. Others are polled as
        they should be, and what they say does not change."""
        old = {split_pool_key(key)[0] for key, pool in given.pools.items() if pool.age}
        ill = {name for name, health in given.providers.items() if health != "healthy"}
        return {name: every for name, every in intervals.items() if name in old | ill}

    # --- the given state ----------------------------------------------------------------------

    def _give(self, given: Given) -> None:
        now, engine = given.time, self.engine
        for identity in given.identities:
            self._give_identity(identity, now)
        for provider, health in given.providers.items():
            if health != "healthy":
                turned = ProviderStateChanged(provider_id=provider, before="healthy", after=health)
                engine.write(now, turned)
        for key, pool in given.pools.items():
            self._give_pool(key, pool, now)
        engine.lookout.look(now)
        status = SystemStatusChanged(
            before="ok", after=given.system_status, risk_score=given.risk_score
        )
        engine.state.apply(now, DAEMON, "", status)

    def _give_identity(self, identity: Identity, now: Micros) -> None:
        known = self.engine.state.identities.get(identity.identity_id)
        active = msgspec.structs.replace(identity, status="active", created_at=now)
        if known is None or identity != Identity(identity.identity_id, status=identity.status):
            self.engine.write(now, IdentityRegistered(identity=active))
        if identity.status == "quarantined":
            self.engine.write(now, IdentityQuarantined(identity_id=identity.identity_id))
        elif identity.status == "revoked":
            self.engine.write(now, IdentityRevoked(identity_id=identity.identity_id))

    def _give_pool(self, key: str, given: GivenPool, now: Micros) -> None:
        state, provider_id = self.engine.state, split_pool_key(key)[0]
        account = state.ledger.accounts.get(key)
        if account is not None and account.pool.local:
            self._give_cap(key, given)
        elif provider_id in state.topology.providers:
            self._observe(key, given, now)
        else:
            known = ", ".join(sorted(state.ledger.accounts)) or "none"
            message = f"no pool is called {key!r}, nor is its provider configured (known: {known})"
            raise UngivableError(message, given.place)
        if given.remaining is not None and account is not None and account.pool.local:
            used = (account.capacity or 0) - given.remaining
            self._spend(key, max(0, used), UNKNOWN, now)
        elif account is not None and account.pool.local and given.used:
            self._spend(key, given.used, UNKNOWN, now)
        for agent, units in given.by_agent.items():
            self._spend(key, units, agent, now)
        if given.held:
            self._hold(key, given.held, UNKNOWN, now)
        account = state.ledger.account(key, now)
        figures = account.figures(now)
        told = msgspec.structs.replace(account.pool, limit=figures.limit)
        state.book.declare(told, now, figures.used, figures.reset_at)

    @staticmethod
    def _give_cap(key: str, given: GivenPool) -> None:
        named = ("limit", "reset_in", "every", "unit")
        said = [name for name in named if getattr(given, name) is not None]
        if said or given.age:
            what = ", ".join(said) or "age"
            raise UngivableError(
                f"{key} is a cap of the policy, which says its {what}; give used, remaining, held "
                "or by_agent",
                given.place,
            )

    def _observe(self, key: str, given: GivenPool, now: Micros) -> None:
        provider_id, pool_id = split_pool_key(key)
        seen = Observation(
            provider_id,
            pool_id,
            dated=now - given.age,
            limit=given.limit,
            used=given.used,
            remaining=given.remaining,
            reset_at=None if given.reset_in is None else now + given.reset_in,
            window_every=given.every,
            unit=given.unit,
        )
        state, observer = self.engine.state, self.engine.observer
        if key not in state.ledger.accounts:
            window = Window("fixed", every=given.every)
            unit = given.unit or "requests"
            owner = state.topology.providers[provider_id]
            members = () if owner is None else (owner,)
            pool = Pool(provider_id, pool_id, unit, given.limit, window, members=members)
            observer.declare([pool], now)
        state.ledger.observe(seen, now)

    def _spend(self, key: str, units: int, agent: str, now: Micros) -> None:
        name = self._hold(key, units, agent, now)
        self.engine.state.ledger.settle(name, {key: units}, now, "given")

    def _hold(self, key: str, units: int, agent: str, now: Micros) -> str:
        state = self.engine.state
        name = f"given {len(state.ledger.holds) + len(state.ledger.closed)}"
        asker = Asker((agent, UNKNOWN, UNKNOWN), state.agent(agent).weight)
        state.ledger.place(name, asker, [HeldLine(key, units, 0, -1, _LONG)], now, now)
        return name

    # --- what happens then --------------------------------------------------------------------

    def pass_time(self, span: Micros) -> None:
        """Move on, and let the engine notice."""
        if span:
            self.clock.advance(span)
            self.engine.lookout.look(self.clock.now())
            self._forget()

    def ask(self, intent: Intent) -> Decision:
        """The engine's answer, with its trace. Raises ``Refused`` as a daemon would."""
        decided = self.engine.negotiator.negotiate(intent, self.clock.now(), "case")
        self._forget()
        if isinstance(decided, Repeated):
            raise RatelordError(f"the idempotency key was used before, by {decided.intent_id}")
        return decided

    def report(self, intent_id: str, report: Report) -> None:
        """Settle an intent."""
        digest = sha256(_encode(report)).hexdigest()[:16]
        self.engine.settler.report(intent_id, report, digest, self.clock.now(), "case")
        self._forget()

    def cost(self, intent_id: str) -> int | None:
        """What an intent was expected to cost in micro-USD, if it holds anything."""
        hold = self.engine.state.ledger.find(intent_id)
        note = None if hold is None else hold.note
        return None if note is None or note.cost < 0 else int(note.cost)

    def _forget(self) -> None:
        self.engine.take()
