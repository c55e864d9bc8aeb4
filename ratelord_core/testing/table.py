"""A whole engine on a table: real parts, a clock that stands still, a log in memory.

For tests and for plugin authors: decide, settle, observe and let time pass without a daemon, then
compare with what a replay of the log gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypeVar

from ratelord_core import plugins
from ratelord_core.clock import SeededEntropy, SteppedClock
from ratelord_core.engine import Engine, State
from ratelord_core.engine.negotiator import Repeated
from ratelord_core.events.codec import Sealer, open_record
from ratelord_core.events.payloads import Payload
from ratelord_core.events.record import GENESIS, Record
from ratelord_core.model.decision import Decision
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.intent import Intent, Report
from ratelord_core.model.observation import Observation
from ratelord_core.policy.action import PolicyAction
from ratelord_core.policy.stack import PolicyStack, load
from ratelord_core.replay import Blank, replay
from ratelord_core.store import EventQuery
from ratelord_core.testing.memory_store import MemoryEventStore

Happened = TypeVar("Happened", bound=Payload)


class Table:
    """An engine over a policy document, with every installed plugin but no provider account.

    ``pools`` of the document are enough for most tests; a provider's pools appear when they are
    observed. ``actions`` are offered to rules beside the installed ones.
    """

    def __init__(
        self,
        policy: str,
        *,
        seed: int = 0,
        actions: Mapping[str, PolicyAction[Any]] | None = None,
    ) -> None:
        loaded = plugins.load()
        self._actions = loaded.actions() | dict(actions or {})
        self._functions = loaded.named("ratelord_register_condition_functions").values()
        self._kinds = loaded.named("ratelord_register_providers")
        models = loaded.named("ratelord_register_forecast_models", "model_id")
        self._blank = Blank(
            loaded.named("ratelord_register_graphs")["networkx"],
            models["linear"],
            loaded.controllers(),
        )
        self.clock = SteppedClock()
        self.store = MemoryEventStore()
        self._sealer = Sealer(SeededEntropy(seed + 1), seq=0, chain=GENESIS)
        self.answered: dict[str, Decision] = {}
        """Every answer given so far, by intent."""
        self.engine = Engine(self._blank.state(), self._load(policy), SeededEntropy(seed))
        self.configure(policy)

    @property
    def now(self) -> Micros:
        """The table's instant."""
        return self.clock.now()

    def _load(self, policy: str) -> PolicyStack:
        return load(policy, "table", self._actions, self._kinds, functions=self._functions)

    def configure(self, policy: str) -> None:
        """Bring a policy document into force."""
        stack = self._load(policy)
        self.engine.configure(stack, stack.document.pools, self.now)
        self._commit()

    def ask(self, workload: str = "work", **fields: Any) -> Decision:
        """Ask; agent ``a``, identity ``i`` and scope ``repo:x/y`` unless told otherwise. A repeated
        key gives the first answer as the log has it."""
        names = {"agent_id": "a", "identity_id": "i", "scope_id": "repo:x/y"} | fields
        intent = Intent(workload_id=workload, **names)
        decided = self.engine.negotiator.negotiate(intent, self.now, "test")
        self._commit()
        if isinstance(decided, Repeated):
            return self.answered[decided.intent_id]
        self.answered[decided.intent_id] = decided
        return decided

    def report(self, intent_id: str, outcome: Any = "success", **fields: Any) -> Any:
        """Settle an intent; None if nobody remembers it."""
        told = Report(outcome, **fields)
        digest = sha256(repr(told).encode()).hexdigest()[:16]
        done = self.engine.settler.report(intent_id, told, digest, self.now, "test")
        self._commit()
        return done

    def extend(self, intent_id: str, seconds: float) -> Micros:
        """Let an intent's holds live longer."""
        end = self.engine.settler.extend(intent_id, int(seconds * SECOND), self.now, "test")
        self._commit()
        return end

    def observe(self, pool: str, **fields: Any) -> None:
        """Numbers of a provider, seen now unless ``dated`` says otherwise."""
        provider_id, _, pool_id = pool.partition("/")
        seen = Observation(provider_id, pool_id, **({"dated": self.now} | fields))
        self.engine.observer.in_passing([seen], self.now, "test", "test")
        self._commit()

    def pass_time(self, seconds: float) -> None:
        """Move on, and let the engine notice."""
        self.clock.advance(int(seconds * SECOND))
        self.engine.lookout.look(self.now)
        self._commit()

    def _commit(self) -> None:
        drafts = self.engine.take()
        self.store.append([self._sealer.seal(draft, self.now) for draft in drafts])

    def figures(self, pool: str) -> Any:
        """A pool's account as it stands."""
        self.engine.scribe.turn(self.now)
        return self.engine.state.ledger.account(pool, self.now).figures(self.now)

    def events(self, *kinds: type[Happened]) -> list[Happened]:
        """The payloads of these types that were written down."""
        types = tuple(kind.event_type for kind in kinds)
        payloads = [open_record(record).payload for record in self.records(*types)]
        return [payload for payload in payloads if isinstance(payload, kinds)]

    def records(self, *types: str) -> list[Record]:
        """The log as it is stored, or its records of some types."""
        return list(self.store.read(EventQuery(types=types)))

    def restart(self) -> None:
        """Go on as a new daemon would: with nothing but the log and the policy."""
        stack = self.engine.policy
        self.engine = Engine(self.replayed(), stack, self.engine.entropy)
        self.engine.configure(stack, stack.document.pools, self.now)
        self._commit()

    def replayed(self) -> State:
        """The state that the log alone gives."""
        return replay(self.records(), self._blank.state())
