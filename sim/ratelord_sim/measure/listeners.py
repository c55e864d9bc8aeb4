"""One listener for many: whoever measures hears of everything, in the order of the list."""

from __future__ import annotations

from collections.abc import Sequence

from ratelord_core.events.envelope import Draft
from ratelord_core.model.decision import Decision
from ratelord_core.model.intent import Intent
from ratelord_sim.daemon import Listener


class Listeners(Listener):
    """Passes everything on."""

    def __init__(self) -> None:
        self._all: list[Listener] = []

    def add(self, *listeners: Listener) -> None:
        """Tell these as well."""
        self._all += listeners

    def decided(self, intent: Intent, decision: Decision) -> None:
        for one in self._all:
            one.decided(intent, decision)

    def settled(self, pools: Sequence[str]) -> None:
        for one in self._all:
            one.settled(pools)

    def wrote(self, drafts: Sequence[Draft]) -> None:
        for one in self._all:
            one.wrote(drafts)

    def polling(self, account_id: str, *, ok: bool) -> None:
        for one in self._all:
            one.polling(account_id, ok=ok)

    def polled(self, account_id: str, *, ok: bool) -> None:
        for one in self._all:
            one.polled(account_id, ok=ok)

    def ticked(self) -> None:
        for one in self._all:
            one.ticked()
