"""The client for programs that block."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx2
from tenacity import Retrying

from ratelord import attempts, wire
from ratelord.connection import resolve
from ratelord.decision import (
    Decision,
    Extension,
    OnUnreachable,
    Outcome,
    Settlement,
)
from ratelord.errors import Denied, RatelordError
from ratelord.looking import Looking
from ratelord.permit import Permit
from ratelord.readers import EventFilters
from ratelord.stream import SILENCE_SECONDS, StreamPosition
from ratelord.transport import client_settings
from ratelord.wire import AskOptions, Call, Reply

T = TypeVar("T")
_log = logging.getLogger("ratelord")


class Client(Looking):
    """Asks the daemon before acting, and tells it afterwards. Safe to share between threads.

    ``timeout`` (seconds) bounds all attempts of one call together. ``on_unreachable`` is what
    ``ask`` answers when no answer can be had: ``"deny"`` unless you prefer to spend blindly.
    ``auto_wait``: ``ask`` returns when the action may start, sleeping meanwhile; ``max_wait``
    (seconds) is the longest wait that it accepts by default.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        socket: str | None = None,
        token: str | None = None,
        timeout: float = 5.0,
        on_unreachable: OnUnreachable = "deny",
        auto_wait: bool = True,
        max_wait: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connection = resolve(url, socket, token)
        self.on_unreachable = on_unreachable
        self._timeout = timeout
        self._auto_wait = auto_wait
        self._max_wait = max_wait
        self._sleep = sleep
        self._monotonic = monotonic
        uds = self.connection.socket
        self._http = httpx2.Client(
            **client_settings(self.connection),
            transport=httpx2.HTTPTransport(uds=uds, verify=False) if uds else None,
        )

    def __repr__(self) -> str:
        return f"Client({self.connection.where!r}, on_unreachable={self.on_unreachable!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # Asking

    def ask(
        self,
        agent_id: str,
        identity_id: str,
        workload_id: str,
        scope_id: str = "global",
        *,
        auto_wait: bool | None = None,
        **options: Unpack[AskOptions],
    ) -> Decision:
        """May this action go ahead? Returns when it may start, or with a denial.

        No answer from the daemon is a denial too (or what ``on_unreachable`` says). Raises
        ``RequestRefused`` if the question itself is wrong.
        """
        own_key = options.get("idempotency_key") is None
        options.setdefault("max_wait", self._max_wait)
        call = wire.ask(
            (agent_id, identity_id, workload_id, scope_id),
            options,
            key=options.get("idempotency_key") or wire.new_key(),
        )
        decision = self._decision(call)
        if self._auto_wait if auto_wait is None else auto_wait:
            self._wait_for_start(decision, free_if_interrupted=own_key)
        return decision

    def propose(
        self,
        agent_id: str,
        identity_id: str,
        workload_id: str,
        scope_id: str = "global",
        **options: Unpack[AskOptions],
    ) -> Decision:
        """What would the answer be? Holds nothing and never waits."""
        options.setdefault("max_wait", self._max_wait)
        ids = (agent_id, identity_id, workload_id, scope_id)
        return self._decision(wire.ask(ids, options, key=None, dry_run=True))

    @contextmanager
    def guard(
        self,
        agent_id: str,
        identity_id: str,
        workload_id: str,
        scope_id: str = "global",
        **options: Unpack[AskOptions],
    ) -> Iterator[Permit]:
        """Ask, wait, let the body act, report: ``with client.guard(…) as permit``.

        Raises ``Denied`` instead of entering. An exception in the body is reported as ``error``,
        which counts what was held: an interrupted action may have spent it.
        """
        decision = self.ask(agent_id, identity_id, workload_id, scope_id, auto_wait=True, **options)
        if not decision:
            raise Denied(decision)
        permit = Permit(decision)
        try:
            yield permit
        except BaseException:
            self._settle(permit, permit.outcome or "error")
            raise
        self._settle(permit, permit.outcome or "success")

    def report(
        self,
        intent_id: str,
        *,
        outcome: Outcome = "success",
        actual_cost: float | None = None,
        costs: Mapping[str, float] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Settlement:
        """Say what the action really cost (nothing: what was held); ``cancelled`` frees it."""
        call = wire.report(
            intent_id,
            outcome,
            actual_cost=actual_cost,
            costs=costs,
            headers=headers,
            key=idempotency_key,
        )
        return self._call(call, Settlement)

    def extend(self, intent_id: str, seconds: float) -> Extension:
        """Keep what is held for ``seconds`` from now."""
        return self._call(wire.extend(intent_id, seconds), Extension)

    def stream(self, **filters: Unpack[EventFilters]) -> Iterator[dict[str, Any]]:
        """Events after ``after`` as they become durable, for ever, over reconnects and restarts.

        Raises ``DaemonUnreachable`` if the daemon stays away.
        """
        position = StreamPosition(filters)
        while True:
            try:
                yield from self._stream_once(position)
                position.lost(None)
            except RatelordError as error:
                position.lost(error)
            self._sleep(position.pause())

    # How it is done

    def _decision(self, call: Call) -> Decision:
        try:
            return self._call(call, Decision)
        except RatelordError as error:
            if not wire.stands_in_for(error):
                raise
            return wire.without_daemon(error, self.on_unreachable)

    def _wait_for_start(self, decision: Decision, *, free_if_interrupted: bool) -> None:
        if not decision.allowed or decision.wait_seconds <= 0:
            return
        try:
            self._sleep(decision.wait_seconds)
        except BaseException:
            if free_if_interrupted:
                self._settle(Permit(decision), "cancelled")
            raise

    def _settle(self, permit: Permit, outcome: Outcome) -> None:
        if not permit.decision.intent_id:
            return
        try:
            permit.settlement = self.report(
                permit.decision.intent_id,
                outcome=outcome,
                actual_cost=permit.actual_cost,
                costs=permit.costs,
                headers=permit.headers,
            )
        except RatelordError as error:
            # The action is over either way: an unreported hold becomes use when it expires.
            _log.warning("intent %s was not reported: %s", permit.decision.intent_id, error)

    def _call(self, call: Call, kind: type[T]) -> T:
        budget = attempts.Budget(self._timeout, self._monotonic)
        retrying = Retrying(sleep=self._sleep, **attempts.policy(call, budget))
        return retrying(lambda: wire.parse(self._send(call, budget), kind))

    def _reply(self, call: Call) -> Reply:
        return self._send(call, attempts.Budget(self._timeout, self._monotonic))

    def _send(self, call: Call, budget: attempts.Budget) -> Reply:
        request = self._http.build_request(
            call.method,
            call.path,
            params=call.query or None,
            content=call.content,
            headers={"content-type": "application/json"} if call.body is not None else None,
            timeout=max(budget.left(), 0.001),
        )
        with attempts.translated(self.connection):
            response = self._http.send(request, stream=True)
            try:
                body = attempts.Body(budget)
                for piece in response.iter_bytes():
                    body.add(piece)
            finally:
                response.close()
        return Reply(response.status_code, response.headers, body.bytes())

    def _stream_once(self, position: StreamPosition) -> Iterator[dict[str, Any]]:
        call = position.call()
        timeout = httpx2.Timeout(self._timeout, read=SILENCE_SECONDS)
        with (
            attempts.translated(self.connection),
            self._http.stream(
                call.method,
                call.path,
                params=call.query,
                headers=position.headers(),
                timeout=timeout,
            ) as response,
        ):
            if response.status_code != 200:
                wire.check(Reply(response.status_code, response.headers, response.read()))
            position.opened()
            for message in httpx2.EventSource(response):
                yield position.advance(message.id, message.data)
