"""The client for programs that block."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx2
from tenacity import Retrying

from ratelord import attempts, wire
from ratelord.applying import refused
from ratelord.asking import Asking, settlement, unreported
from ratelord.connection import resolve
from ratelord.decision import (
    Decision,
    Decisions,
    Extension,
    Observed,
    OnUnreachable,
    Outcome,
    Settlement,
)
from ratelord.errors import Denied, RatelordError
from ratelord.looking import Looking
from ratelord.permit import Permit
from ratelord.readers import EventFilters
from ratelord.stream import StreamPosition
from ratelord.transport import client_settings
from ratelord.wire import AskOptions, Call, Reply

T = TypeVar("T")


class Client(Asking, Looking):
    """Asks the daemon before acting, and tells it afterwards. Safe to share between threads.

    ``timeout`` (seconds; else ``RATELORD_TIMEOUT``, else 5) bounds all attempts of one call
    together, and no wait that an answer asks for. ``on_unreachable`` is what ``ask`` answers when
    no answer can be had: ``"deny"`` unless you prefer to spend blindly.
    ``auto_wait``: ``ask`` returns when the action may start, sleeping meanwhile; ``max_wait``
    (seconds) is the longest wait that it accepts by default.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        socket: str | None = None,
        token: str | None = None,
        timeout: float | None = None,
        on_unreachable: OnUnreachable = "deny",
        auto_wait: bool = True,
        max_wait: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            resolve(url, socket, token),
            on_unreachable,
            timeout=timeout,
            auto_wait=auto_wait,
            max_wait=max_wait,
            monotonic=monotonic,
        )
        self._sleep = sleep
        uds = self.connection.socket
        self._http = httpx2.Client(
            **client_settings(self.connection),
            transport=httpx2.HTTPTransport(uds=uds, verify=False) if uds else None,
        )

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
        """Let go of the connections. Whatever is asked afterwards raises ``ClientClosed``."""
        self._closed = True
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
        call = self._question((agent_id, identity_id, workload_id, scope_id), options)
        decision = self._apply(self._decision(call), free=own_key)
        if self._must_wait(decision, auto_wait):
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
        call = self._hypothetical((agent_id, identity_id, workload_id, scope_id), options)
        return self._decision(call)

    def ask_batch(self, intents: Sequence[Mapping[str, Any]]) -> list[Decision]:
        """Many answers at once, decided in order and committed together; none waits.

        Each intent has the fields of the wire: the four ids, ``max_wait_seconds``, and so on.
        Without a daemon every answer is what ``on_unreachable`` says.
        """
        try:
            return list((self._call(wire.ask_batch(intents), Decisions)).decisions)
        except RatelordError as error:
            return [self._instead(error)] * len(intents)

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
        permit = Permit(decision, self.unapplied(decision))
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

    def override(self, intent_id: str, *, by: str | None = None, reason: str = "") -> Decision:
        """Allow once, as a human, what an overridable rule denied: the answer without that rule.

        Every other rule and every limit goes on to bind, so that it may be a denial again. Needs
        the local operator or an admin's token.
        """
        return self._call(wire.override(intent_id, by, reason), Decision)

    def observe(self, provider_id: str, **seen: Any) -> Observed:
        """Pass on what was seen of a provider's limits: ``headers``, or ``pool_id`` with ``limit``,
        ``used``, ``remaining`` or ``reset_at``; ``ts_event`` says when."""
        return self._call(wire.observe(provider_id, seen), Observed)

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
            return self._instead(error)

    def _apply(self, decision: Decision, *, free: bool) -> Decision:
        """The decision once the callbacks did what it asks for, or a denial if one of them could
        not; what was held for it is freed."""
        try:
            for change, callback, value in self._callbacks.due(decision):
                if callback(value) is False:
                    if free:
                        self._settle(Permit(decision), "cancelled")
                    return refused(decision, change)
        except BaseException:
            if free:
                self._settle(Permit(decision), "cancelled")
            raise
        return decision

    def _wait_for_start(self, decision: Decision, *, free_if_interrupted: bool) -> None:
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
            permit.settlement = self._call(settlement(permit, outcome), Settlement)
        except RatelordError as error:
            unreported(permit, error)

    def _call(self, call: Call, kind: type[T]) -> T:
        budget = self._budget()
        try:
            return wire.parse(self._send(call, budget), kind)
        except RatelordError as error:  # only then is it worth while to prepare for more
            failed = [error]
        retrying = Retrying(sleep=self._sleep, **attempts.policy(call, budget))

        def attempt() -> T:
            if failed:  # the first attempt is that which was made already
                raise failed.pop()
            return wire.parse(self._send(call, budget), kind)

        return retrying(attempt)

    def _reply(self, call: Call) -> Reply:
        return self._send(call, self._budget())

    def _send(self, call: Call, budget: attempts.Budget) -> Reply:
        request = self._http.build_request(**self._request(call, budget))
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
        with (
            attempts.translated(self.connection),
            self._http.stream(**self._listening(position)) as response,
        ):
            if response.status_code != 200:
                wire.check(Reply(response.status_code, response.headers, response.read()))
            position.opened()
            for message in httpx2.EventSource(response):
                yield position.advance(message.id, message.data)
