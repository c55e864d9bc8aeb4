"""What asking is, apart from waiting: what both clients share."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import httpx2

from ratelord import wire
from ratelord.applying import Callback, Callbacks, Change
from ratelord.attempts import Budget
from ratelord.connection import Connection, patience
from ratelord.decision import Decision, OnUnreachable, Outcome
from ratelord.errors import ClientClosed, RatelordError
from ratelord.permit import Permit
from ratelord.stream import SILENCE_SECONDS, StreamPosition
from ratelord.wire import AskOptions, Call

_log = logging.getLogger("ratelord")


class Asking:
    """A client's settings, and what follows from them."""

    _closed = False

    def __init__(
        self,
        connection: Connection,
        on_unreachable: OnUnreachable,
        *,
        timeout: float | None,
        auto_wait: bool,
        max_wait: float | None,
        monotonic: Callable[[], float],
    ) -> None:
        self.connection = connection
        self.on_unreachable = on_unreachable
        self._timeout = patience(timeout)
        self._auto_wait = auto_wait
        self._max_wait = max_wait
        self._monotonic = monotonic
        self._callbacks = Callbacks()

    def on(self, change: Change, callback: Callback) -> None:
        """Let ``callback`` apply a change that an answer asks for: ``identity_switch``, ``route``,
        ``protocol_switch``, ``degrade`` or ``max_cost``. ``ask`` and ``guard`` call it with the
        change's value before they wait. It returns ``False`` if the agent cannot do that: then the
        hold is freed and the answer is a denial.
        """
        self._callbacks.register(change, callback)

    def unapplied(self, decision: Decision) -> tuple[str, ...]:
        """The changes of an approval that no callback applies: act on them yourself, or don't
        act."""
        return self._callbacks.unapplied(decision)

    @property
    def timeout(self) -> float:
        """Seconds that all attempts of one call may take together."""
        return self._timeout

    def __repr__(self) -> str:
        where, otherwise = self.connection.where, self.on_unreachable
        return f"{type(self).__name__}({where!r}, on_unreachable={otherwise!r})"

    def _question(self, ids: tuple[str, str, str, str], options: AskOptions) -> Call:
        options.setdefault("max_wait", self._max_wait)
        return wire.ask(ids, options, key=options.get("idempotency_key") or wire.new_key())

    def _hypothetical(self, ids: tuple[str, str, str, str], options: AskOptions) -> Call:
        options.setdefault("max_wait", self._max_wait)
        return wire.ask(ids, options, key=None, dry_run=True)

    def _instead(self, error: RatelordError) -> Decision:
        """The decision when there was no answer; raises the error if it is the caller's."""
        if not wire.stands_in_for(error):
            raise error
        return wire.without_daemon(error, self.on_unreachable)

    def _must_wait(self, decision: Decision, auto_wait: bool | None) -> bool:
        waits = self._auto_wait if auto_wait is None else auto_wait
        return waits and decision.allowed and decision.wait_seconds > 0

    def _budget(self) -> Budget:
        return Budget(self._timeout, self._monotonic)

    def _check_open(self) -> None:
        if self._closed:
            raise ClientClosed(f"this client of {self.connection.where} is closed; make a new one")

    def _request(self, call: Call, budget: Budget) -> dict[str, Any]:
        """The arguments of a request."""
        self._check_open()
        return {
            "method": call.method,
            "url": call.path,
            "params": call.query or None,
            "content": call.content,
            "headers": {"content-type": "application/json"} if call.body is not None else None,
            "timeout": max(budget.left(), 0.001),
        }

    def _listening(self, position: StreamPosition) -> dict[str, Any]:
        """The arguments of a request that goes on for ever."""
        self._check_open()
        call = position.call()
        return {
            "method": call.method,
            "url": call.path,
            "params": call.query,
            "headers": position.headers(),
            "timeout": httpx2.Timeout(self._timeout, read=SILENCE_SECONDS),
        }


def settlement(permit: Permit, outcome: Outcome) -> Call:
    """The report of what a permit was used for."""
    return wire.report(
        permit.decision.intent_id,
        outcome,
        actual_cost=permit.actual_cost,
        costs=permit.costs,
        headers=permit.headers,
        key=None,
    )


def unreported(permit: Permit, error: RatelordError) -> None:
    """Note a report that could not be delivered.

    The action is over either way: an unreported hold becomes use when it expires.
    """
    _log.warning("intent %s was not reported: %s", permit.decision.intent_id, error)
