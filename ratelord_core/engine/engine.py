"""The engine: everything that changes the state, in one place.

Every method takes the instant, changes the state only by applying the events it writes down, and
leaves those events as drafts for the journal. There is no await in here, so the order of the log is
the order of deciding.
"""

from __future__ import annotations

from ratelord_core.engine.lookout import Lookout
from ratelord_core.engine.negotiator import Negotiator
from ratelord_core.engine.observer import Observer, pin
from ratelord_core.engine.overrider import Overrider
from ratelord_core.engine.reader import Reader
from ratelord_core.engine.registrar import Registrar
from ratelord_core.engine.scribe import Scribe
from ratelord_core.engine.settler import Settler
from ratelord_core.engine.state import State
from ratelord_core.engine.surveyor import Surveyor
from ratelord_core.events.envelope import Draft
from ratelord_core.events.payloads import ConfigLoaded, Payload, PolicyUpdated
from ratelord_core.model.config import Document
from ratelord_core.model.ids import Entropy
from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import Pool, declared_key
from ratelord_core.policy.difference import difference
from ratelord_core.policy.document import canonical, from_canonical
from ratelord_core.policy.stack import PolicyStack


class Engine:
    """The parts that decide, over one state."""

    def __init__(self, state: State, policy: PolicyStack, entropy: Entropy) -> None:
        self.state = state
        self.policy = policy
        self.entropy = entropy
        self.scribe = Scribe(state, entropy)
        self.negotiator = Negotiator(state, policy, entropy, self.scribe)
        self.overrider = Overrider(self.negotiator, self.scribe)
        self.settler = Settler(state, self.scribe)
        self.observer = Observer(state, self.scribe)
        self.lookout = Lookout(state, self.scribe)
        self.registrar = Registrar(state, self.scribe, entropy)
        self.reader = Reader(state)

    @property
    def surveyor(self) -> Surveyor:
        """Answers what would be, under the policy in force."""
        return Surveyor(self.state, self.policy, self.entropy, self.reader)

    def configure(self, policy: PolicyStack, pools: tuple[Pool, ...], now: Micros) -> None:
        """Bring a policy document into force; ``pools`` are those of it and of its providers."""
        document, before = policy.document, self.policy
        self.scribe.turn(now)
        self.policy = policy
        self.negotiator.adopt(policy)
        self.observer.overrides = {override.key: override for override in document.overrides}
        pinned = tuple(pin(pool, self.observer.overrides) for pool in pools)
        declared = {pool.key for pool in pinned}
        self.reader.hidden = {
            key
            for key, account in self.state.ledger.accounts.items()
            if declared_key(key) not in declared
            and (account.pool.local or account.pool.provider_id not in document.topology.providers)
        }
        self.lookout.forget(self.reader.hidden)
        loaded = ConfigLoaded(
            pools=pinned,
            topology=canonical(document.topology),
            settings=canonical(document.settings),
            pricing=canonical(document.pricing),
            source=document.source,
        )
        changed = policy.version != self.state.policy_version
        self.write(now, loaded)
        self.observer.repin(now)
        if changed:
            found = difference(self._as_logged(before), document)
            event = PolicyUpdated(
                version=policy.version,
                source=document.source,
                document=policy.text,
                added=found.added,
                removed=found.removed,
                changed=found.changed,
            )
            self.write(now, event)

    def _as_logged(self, before: PolicyStack) -> Document:
        """The policy that was in force, as the log has it; an empty one before the first."""
        if before.version == self.state.policy_version:
            return before.document
        text = self.state.policy_text
        return from_canonical(text) if text else Document()

    def write(self, now: Micros, payload: Payload) -> None:
        """Write an event of the daemon's own down."""
        self.scribe.write(now, payload)

    def take(self) -> list[Draft]:
        """What was written down since the last call."""
        return self.scribe.take()
