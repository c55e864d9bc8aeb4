"""Tells listeners what changed: streams of the stateless era, sessions of the handshake era.

What is still to be told is a set, so that a listener who reads slowly gets each change once, and
costs no more memory than what it subscribed to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import anyio
from anyio.abc import TaskGroup
from mcp import MCPError, types
from mcp.server.session import ServerSession
from mcp.server.subscriptions import (
    SUBSCRIPTION_ID_META_KEY,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
)
from mcp.shared.subscriptions import event_to_notification

from ratelord_mcp.addresses import LISTS
from ratelord_mcp.call import Context

MAX_STREAMS: Final = 1024
"""Streams and sessions that are told of changes."""
MAX_URIS: Final = 256
"""Resources that one of them may follow."""
PATIENCE: Final = 5.0
"""Seconds in which a session must have taken a notification."""

IsKnown = Callable[[str], Awaitable[bool]]
"""Whether a resource may be followed."""


class _Stream:
    """An open listen stream."""

    def __init__(self, wanted: frozenset[ServerEvent]) -> None:
        self.wanted = wanted
        self.closed = False
        self._pending: dict[ServerEvent, None] = {}
        self._bell = anyio.Event()

    def tell(self, events: Iterable[ServerEvent]) -> None:
        self._pending |= {event: None for event in events if event in self.wanted}
        if self._pending:
            self._bell.set()

    def close(self) -> None:
        self.closed = True
        self._bell.set()

    async def take(self) -> list[ServerEvent]:
        """What changed since the last time; waits until something did, or the end."""
        await self._bell.wait()
        self._bell = anyio.Event()
        taken, self._pending = list(self._pending), {}
        return taken


class _Session:
    """A session of the handshake era, with what it follows."""

    def __init__(self, session: ServerSession) -> None:
        self.session = session
        self.uris: set[str] = set()
        self.pending: dict[str, None] = {}
        self.busy = False


class Announcer:
    """Keeps subscriptions, and tells of changes."""

    def __init__(self, is_known: IsKnown) -> None:
        self._is_known = is_known
        self._streams: set[_Stream] = set()
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self.groups: list[TaskGroup] = []
        """Where notifications are sent from; none while the server does not run."""

    def followed(self) -> set[str]:
        """The resources that somebody follows."""
        found = {uri for session in self._sessions.values() for uri in session.uris}
        for stream in self._streams:
            found |= {event.uri for event in stream.wanted if isinstance(event, ResourceUpdated)}
        lists = ResourcesListChanged()
        if self._sessions or any(lists in stream.wanted for stream in self._streams):
            found.add(LISTS)
        return found

    def publish(self, events: Iterable[ServerEvent]) -> None:
        """Tell everybody concerned; returns at once."""
        told = list(events)
        for stream in self._streams:
            stream.tell(told)
        for key, session in list(self._sessions.items()):
            self._tell(key, session, told)

    def close(self) -> None:
        """End every stream in good order: what is pending is still told."""
        for stream in list(self._streams):
            stream.close()

    # --- the stateless era --------------------------------------------------------------------

    async def listen(
        self, context: Context, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        """Serve one stream until the client or the server ends it."""
        if len(self._streams) >= MAX_STREAMS:
            raise MCPError(types.INTERNAL_ERROR, "too many streams are open; try again later")
        honored = await self._honored(params.notifications)
        meta: dict[str, Any] = {SUBSCRIPTION_ID_META_KEY: context.request_id}
        stream = _Stream(frozenset(_events_of(honored)))
        self._streams.add(stream)
        try:
            accepted = types.SubscriptionsAcknowledgedNotificationParams(
                notifications=honored, _meta=meta
            )
            await context.session.send_notification(
                types.SubscriptionsAcknowledgedNotification(params=accepted),
                related_request_id=context.request_id,
            )
            while not stream.closed:
                for event in await stream.take():
                    await context.session.send_notification(
                        event_to_notification(event, meta), related_request_id=context.request_id
                    )
        finally:
            self._streams.discard(stream)
        return types.SubscriptionsListenResult(_meta=meta)

    async def _honored(self, asked: types.SubscriptionFilter) -> types.SubscriptionFilter:
        """What is followed of what was asked for: a resource that does not exist is left out, and
        so are tools and prompts, which stay the same."""
        uris = list(dict.fromkeys(asked.resource_subscriptions or ()))
        if len(uris) > MAX_URIS:
            message = f"{len(uris)} resources; one stream follows at most {MAX_URIS}"
            raise MCPError(types.INVALID_PARAMS, message)
        known = [uri for uri in uris if await self._is_known(uri)]
        return types.SubscriptionFilter(
            resources_list_changed=asked.resources_list_changed,
            resource_subscriptions=known or None,
        )

    # --- the handshake era --------------------------------------------------------------------

    async def subscribe(
        self, context: Context, params: types.SubscribeRequestParams
    ) -> types.EmptyResult:
        """Follow one resource in this session."""
        uri = str(params.uri)
        if not await self._is_known(uri):
            raise MCPError(types.INVALID_PARAMS, "no such resource", {"uri": uri[:256]})
        session = self.greet(context)
        if uri not in session.uris and len(session.uris) >= MAX_URIS:
            message = f"this session follows {MAX_URIS} resources, which is the most; leave one"
            raise MCPError(types.INVALID_PARAMS, message)
        session.uris.add(uri)
        return types.EmptyResult()

    async def unsubscribe(
        self, context: Context, params: types.UnsubscribeRequestParams
    ) -> types.EmptyResult:
        """Follow it no longer."""
        session = self._sessions.get(_key(context))
        if session is not None:
            session.uris.discard(str(params.uri))
        return types.EmptyResult()

    def greet(self, context: Context) -> _Session:
        """Tell this session of what concerns everybody; the one that was quiet for longest makes
        room."""
        key = _key(context)
        session = self._sessions.get(key)
        if session is None:
            if len(self._sessions) >= MAX_STREAMS:
                self._sessions.popitem(last=False)
            session = self._sessions[key] = _Session(context.session)
        session.session = context.session
        self._sessions.move_to_end(key)
        return session

    def _tell(self, key: str, session: _Session, events: Iterable[ServerEvent]) -> None:
        for event in events:
            if isinstance(event, ResourceUpdated) and event.uri in session.uris:
                session.pending[event.uri] = None
            elif isinstance(event, ResourcesListChanged):
                session.pending[""] = None
        if session.pending and not session.busy and self.groups:
            session.busy = True
            self.groups[0].start_soon(self._send, key, session)

    async def _send(self, key: str, session: _Session) -> None:
        """Send what is pending, until nothing is; a session that does not take it is dropped."""
        try:
            while session.pending:
                uri = next(iter(session.pending))
                del session.pending[uri]
                with anyio.fail_after(PATIENCE):
                    if uri:
                        await session.session.send_resource_updated(uri)
                    else:
                        await session.session.send_resource_list_changed()
        except (TimeoutError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            self._sessions.pop(key, None)
        finally:
            session.busy = False


def _events_of(honored: types.SubscriptionFilter) -> list[ServerEvent]:
    events: list[ServerEvent] = [
        ResourceUpdated(uri=str(uri)) for uri in honored.resource_subscriptions or ()
    ]
    if honored.resources_list_changed:
        events.append(ResourcesListChanged())
    return events


def _key(context: Context) -> str:
    """The session that a request belongs to; a pipe has but one."""
    request: Any = context.request
    return "" if request is None else str(request.headers.get("mcp-session-id", ""))
