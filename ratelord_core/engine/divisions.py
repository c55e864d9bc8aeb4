"""How pools are divided: by value (each agent, each run its own amount), and in shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import is_id
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import PART, Pool

if TYPE_CHECKING:
    from ratelord_core.engine.state import State

CONTEXT = "client_context."
"""Begins what is counted by a value of the asker's own."""
NAMELESS = "-"
"""The part of all who have no such value: nobody gets round a cap by keeping quiet."""
KEPT = ("run_id", "task_id")
"""Values of the asker's own whose digests every intent carries, and the log keeps."""
_MEMORY = 8192

_Context = tuple[str, ...]


class Digest(str):
    """The digest of a value of the asker's own, where the value itself is not known."""

    __slots__ = ()


class Divisions:
    """What the declared pools say of parts and shares."""

    def __init__(self) -> None:
        self.patterns: tuple[str, ...] = ()
        """Whom any pool has a share for."""
        self.by_context: tuple[str, ...] = ()
        """By what values of the asker's own any pool is counted."""
        self._groups: dict[Dimensions, tuple[str, ...]] = {}

    def of_pools(self, pools: Iterable[Pool]) -> None:
        """These pools are there now."""
        every = [pool for pool in pools if pool.per or pool.shares]
        self.patterns = tuple(dict.fromkeys(share.of for one in every for share in one.shares))
        keys = (one.per.removeprefix(CONTEXT) for one in every if one.per.startswith(CONTEXT))
        self.by_context = tuple(dict.fromkeys(keys))
        self._groups.clear()

    # --- parts --------------------------------------------------------------------------------

    def context(self, intent: Intent) -> _Context:
        """The values of the asker's own that pools are counted by: they tell courses apart."""
        return tuple([_own(intent, key) for key in self.by_context])

    @staticmethod
    def drawn(state: State, pool: str, intent: Intent) -> str:
        """The pool that is really drawn from: of one that is counted for each value, the part."""
        per = state.ledger.accounts[pool].pool.per
        return pool if not per else f"{pool}{PART}{_value(state, per, intent)}"

    # --- shares -------------------------------------------------------------------------------

    def groups(self, state: State, who: Dimensions) -> tuple[str, ...]:
        """The patterns that name any of these."""
        known = self._groups.get(who)
        if known is None:
            if len(self._groups) >= _MEMORY:
                self._groups.clear()
            names = set(_names(state, who))
            found = (pattern for pattern in self.patterns if _fits(pattern, names))
            known = self._groups[who] = tuple(found)
        return known

    def forget(self) -> None:
        """Labels may have changed."""
        self._groups.clear()


def _fits(pattern: str, names: set[str]) -> bool:
    if not pattern.endswith("*"):
        return pattern in names
    return any(name.startswith(pattern[:-1]) for name in names)


def _names(state: State, who: Dimensions) -> Iterable[str]:
    """Everything that a pattern may call them."""
    yield f"agent:{who.agent_id}"
    yield f"identity:{who.identity_id}"
    yield f"workload:{who.workload_id}"
    asked = Intent(who.agent_id, who.identity_id, who.workload_id, who.scope_id)
    for scope in state.graph.bind(asked).scopes:
        yield f"scope:{scope}"
    for labels in _labels(state, who.agent_id, who.identity_id):
        for key, value in labels.items():
            yield f"label:{key}:{value}"


def _labels(state: State, agent_id: str, identity_id: str) -> tuple[Mapping[str, str], ...]:
    identity = state.identities.get(identity_id)
    own = state.agent(agent_id).labels
    return (own,) if identity is None else (own, identity.labels)


def _value(state: State, per: str, intent: Intent) -> str:
    if per.startswith(CONTEXT):
        return _own(intent, per.removeprefix(CONTEXT))
    if per.startswith("label:"):
        label = per.removeprefix("label:")
        for labels in _labels(state, intent.agent_id, intent.identity_id):
            if label in labels:
                return labels[label] if is_id(labels[label]) else _digest(labels[label])
        return NAMELESS
    return str(getattr(intent, f"{per}_id"))


def _own(intent: Intent, key: str) -> str:
    """A value of the asker's own, by its digest. Those of run and task are known of old intents."""
    kept = dict(zip(KEPT, (intent.run, intent.task), strict=True)).get(key, "")
    return kept or _digest(intent.context.get(key))


def _digest(value: Any) -> str:
    """64 bits in hex that stand for a value: the value itself may be a secret."""
    if value is None or value == "" or not isinstance(value, str | int | float):
        return NAMELESS
    if isinstance(value, Digest):
        return value
    return sha256(str(value).encode()).hexdigest()[:16]
