"""The client for asynchronous programs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from inspect import isawaitable
from types import TracebackType
from typing import Any, Self, Unpack

import anyio  # httpx2 brings it: sleeping, and shielding a report from cancellation
import httpx2

from ratelord import wire
from ratelord.applying import refused
from ratelord.asking import settlement, unreported
from ratelord.async_calling import LAST_WORDS, AsyncCalling
from ratelord.async_looking import AsyncLooking
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
from ratelord.permit import Permit
from ratelord.readers import EventFilters
from ratelord.stream import StreamPosition
from ratelord.transport import client_settings
from ratelord.wire import AskOptions, Call


class AsyncClient(AsyncCalling, AsyncLooking):
    """``Client`` for tasks, which may share one: the same arguments, the same methods, awaited."""

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
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
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
        self._http = httpx2.AsyncClient(
            **client_settings(self.connection),
            transport=httpx2.AsyncHTTPTransport(uds=uds, verify=False) if uds else None,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    # Asking

    async def ask(
        self,
        agent_id: str,
        identity_id: str,
        workload_id: str,
        scope_id: str = "global",
        *,
        auto_wait: bool | None = None,
        **options: Unpack[AskOptions],
    ) -> Decision:
        """May this action go ahead? See ``Client.ask``."""
        own_key = options.get("idempotency_key") is None
        call = self._question((agent_id, identity_id, workload_id, scope_id), options)
        try:
            decision = await self._decision(call)
        except anyio.get_cancelled_exc_class():
            if own_key:
                await self._take_back(call)
            raise
        decision = await self._apply(decision, free=own_key)
        if self._must_wait(decision, auto_wait):
            await self._wait_for_start(decision, free_if_interrupted=own_key)
        return decision

    async def propose(
        self,
        agent_id: str,
        identity_id: str,
        workload_id: str,
        scope_id: str = "global",
        **options: Unpack[AskOptions],
    ) -> Decision:
        """What would the answer be? See ``Client.propose``."""
        call = self._hypothetical((agent_id, identity_id, workload_id, scope_id), options)
        return await self._decision(call)

    async def ask_batch(self, intents: Sequence[Mapping[str, Any]]) -> list[Decision]:
        """Many answers at once. See ``Client.ask_batch``."""
        try:
            return list((await self._call(wire.ask_batch(intents), Decisions)).decisions)
        except RatelordError as error:
            return [self._instead(error)] * len(intents)

    @asynccontextmanager
    async def guard(
        self,
        agent_id: str,
        identity_id: str,
        workload_id: str,
        scope_id: str = "global",
        **options: Unpack[AskOptions],
    ) -> AsyncIterator[Permit]:
        """Ask, wait, let the body act, report: ``async with client.guard(…) as permit``.

        A cancelled body is reported as ``error``, like any other exception; see ``Client.guard``.
        """
        decision = await self.ask(
            agent_id, identity_id, workload_id, scope_id, auto_wait=True, **options
        )
        if not decision:
            raise Denied(decision)
        permit = Permit(decision, self.unapplied(decision))
        try:
            yield permit
        except BaseException:
            await self._settle(permit, permit.outcome or "error")
            raise
        await self._settle(permit, permit.outcome or "success")

    async def report(
        self,
        intent_id: str,
        *,
        outcome: Outcome = "success",
        actual_cost: float | None = None,
        costs: Mapping[str, float] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Settlement:
        """Say what the action really cost. See ``Client.report``."""
        call = wire.report(
            intent_id,
            outcome,
            actual_cost=actual_cost,
            costs=costs,
            headers=headers,
            key=idempotency_key,
        )
        return await self._report(call)

    async def extend(self, intent_id: str, seconds: float) -> Extension:
        """Keep what is held a while longer. See ``Client.extend``."""
        return await self._call(wire.extend(intent_id, seconds), Extension)

    async def override(
        self, intent_id: str, *, by: str | None = None, reason: str = ""
    ) -> Decision:
        """Allow once, as a human, what an overridable rule denied. See ``Client.override``."""
        return await self._call(wire.override(intent_id, by, reason), Decision)

    async def observe(self, provider_id: str, **seen: Any) -> Observed:
        """Pass on what was seen of a provider's limits. See ``Client.observe``."""
        return await self._call(wire.observe(provider_id, seen), Observed)

    async def stream(self, **filters: Unpack[EventFilters]) -> AsyncIterator[dict[str, Any]]:
        """Events as they become durable, for ever. See ``Client.stream``."""
        position = StreamPosition(filters)
        while True:
            try:
                async for event in self._stream_once(position):
                    yield event
                position.lost(None)
            except RatelordError as error:
                position.lost(error)
            await self._sleep(position.pause())

    # How it is done

    async def _decision(self, call: Call) -> Decision:
        try:
            return await self._call(call, Decision)
        except RatelordError as error:
            return self._instead(error)

    async def _apply(self, decision: Decision, *, free: bool) -> Decision:
        """See ``Client._apply``; what a callback returns is awaited if it can be."""
        try:
            for change, callback, value in self._callbacks.due(decision):
                done = callback(value)
                if isawaitable(done):
                    done = await done
                if done is False:
                    if free:
                        await self._settle(Permit(decision), "cancelled")
                    return refused(decision, change)
        except BaseException:
            if free:
                await self._settle(Permit(decision), "cancelled")
            raise
        return decision

    async def _take_back(self, call: Call) -> None:
        """Free what a question holds whose answer nobody waited for: its key gives the answer."""
        with self._reporting(), anyio.move_on_after(LAST_WORDS, shield=True):
            decision = await self._decision(call)
            if decision.allowed:
                await self._settle(Permit(decision), "cancelled")

    async def _wait_for_start(self, decision: Decision, *, free_if_interrupted: bool) -> None:
        try:
            await self._sleep(decision.wait_seconds)
        except BaseException:
            if free_if_interrupted:
                await self._settle(Permit(decision), "cancelled")
            raise

    async def _settle(self, permit: Permit, outcome: Outcome) -> None:
        if not permit.decision.intent_id:
            return
        try:
            # A cancelled task still says what became of its hold; the timeout bounds this.
            with anyio.CancelScope(shield=True):
                permit.settlement = await self._report(settlement(permit, outcome))
        except RatelordError as error:
            unreported(permit, error)
