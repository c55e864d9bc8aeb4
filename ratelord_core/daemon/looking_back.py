"""Puts a question of the past once more, to the state in which it was asked: rebuilt from the log,
on demand, beside the daemon's own work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from ratelord_core.engine import State
from ratelord_core.engine.nearest import nearest
from ratelord_core.events.envelope import Event
from ratelord_core.events.record import Record
from ratelord_core.model.config import Document
from ratelord_core.model.ids import Entropy
from ratelord_core.model.instant import Micros, to_text
from ratelord_core.overriding import question_of
from ratelord_core.policy.document import from_canonical
from ratelord_core.policy.stack import PolicyStack
from ratelord_core.replay import Blank, replay
from ratelord_core.store import EventQuery, EventStore

MOST_EVENTS = 200_000
"""Events that are folded to look back; before a longer log one says so instead."""
_STRIDE = 50
_REST = 0.001


class LookBack:
    """Rebuilds the state before a question, and asks there what would have been enough."""

    def __init__(
        self,
        store: EventStore,
        blank: Blank,
        compiled: Callable[[Document], PolicyStack],
        entropy: Entropy,
    ) -> None:
        self._store = store
        self._blank = blank
        self._compiled = compiled
        self._entropy = entropy

    def nearest(self, asked: Event, intervals: Mapping[str, Micros]) -> dict[str, Any]:
        """The changes that would have got an approval, as plain data, and the instant at which
        they would. ``intervals`` say how often provider accounts are polled. Takes a while: call
        it on a thread; whoever decides meanwhile goes first."""
        at = to_text(asked.ts_event)
        if asked.seq > MOST_EVENTS:
            note = f"the log before it has more than {MOST_EVENTS} events; nothing was asked again"
            return {"as_of": at, "changes": [], "note": note}
        state, policy = self._before(asked)
        state.polling.intervals = intervals
        found = nearest(state, policy, self._entropy, question_of(asked), asked.ts_event)
        note = "" if found else "no single change would have been enough"
        return {"as_of": at, "changes": [msgspec.to_builtins(one) for one in found], "note": note}

    def _before(self, asked: Event) -> tuple[State, PolicyStack]:
        records = _resting(self._store.read(EventQuery(before=asked.seq)))
        state = replay(records, self._blank.state())
        text = state.policy_text
        document = from_canonical(text) if text else Document()
        return state, self._compiled(document)


def _resting(records: Iterable[Record]) -> Iterator[Record]:
    """The same records, with a rest every so many for those who share the interpreter."""
    for count, record in enumerate(records):
        if count % _STRIDE == 0:
            time.sleep(_REST)
        yield record
