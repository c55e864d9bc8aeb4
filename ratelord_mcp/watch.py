"""Looks round twice a second at what somebody follows, and tells of what turned.

The levels have their hysteresis from the arbiter; nobody looks while nobody follows. It looks, and
does not wait for events, because time alone turns a level: a burn that slows, a reset that nears,
data that grow old are events of nobody. A look at one pool is a forecast that is kept per state of
the pool; twenty agents with sixteen pools cost less than a thousandth of a core.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from itertools import count
from typing import Final, TypeVar

import anyio
from anyio.to_thread import run_sync
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent

from ratelord_core.arbiter import Arbiter
from ratelord_core.errors import RatelordError
from ratelord_core.model.ids import pool_key
from ratelord_mcp.addresses import CONFIG, LISTS, POOLS, pool_of, uris_of_pool

PERIOD: Final = 0.5
"""Seconds between two looks; changes in between are told as one."""
PERIOD_AFAR: Final = 2.0
"""The same where looking means asking a daemon."""
RARELY: Final = 10
"""Looks after which the configuration is looked at again, if nobody follows it by name."""
MOST: Final = 1000
"""Pools that are looked at."""

Found = TypeVar("Found")
_log = logging.getLogger(__name__)


class Watch:
    """Knows the risk levels of what is followed."""

    def __init__(
        self, arbiter: Arbiter, publish: Callable[[Iterable[ServerEvent]], None], *, blocking: bool
    ) -> None:
        self._arbiter = arbiter
        self._publish = publish
        self._blocking = blocking
        self._levels: dict[str, str] = {}
        self._config: tuple[str, frozenset[str]] | None = None

    def level_of(self, pool: str) -> str | None:
        """A pool's level as it was last seen."""
        return self._levels.get(pool)

    async def go_on(self, followed: Callable[[], set[str]], drawn: Callable[[], set[str]]) -> None:
        """Look round for ever."""
        for look in count():
            await anyio.sleep(PERIOD_AFAR if self._blocking else PERIOD)
            try:
                await self.look_round(followed(), drawn(), lists=look % RARELY == 0)
            except RatelordError as error:
                _log.debug("nothing was seen this time: %s", error)

    async def look_round(self, followed: set[str], drawn: set[str], *, lists: bool = True) -> None:
        """One look at what is behind these resources, and at these pools; tells what turned.
        ``lists``: whether what is listed may have changed is looked at as well."""
        keys = drawn | {key for uri in followed if (key := pool_of(uri)) is not None}
        wide = bool(followed & ({POOLS, CONFIG, LISTS} if lists else {POOLS, CONFIG}))
        if not keys and not wide:
            self._levels = {}
            self._config = self._config if LISTS in followed else None
            return
        seen = await self._look(lambda: self._levels_now(None if wide else keys))
        events = self._turned(seen)
        if wide:
            version = (await self._look(self._arbiter.policy)).version
            events += self._configured((version, frozenset(seen)))
        if events:
            self._publish(events)

    async def _look(self, call: Callable[[], Found]) -> Found:
        return await run_sync(call, abandon_on_cancel=True) if self._blocking else call()

    def _levels_now(self, keys: set[str] | None) -> dict[str, str]:
        if keys is None or self._blocking:
            views = self._arbiter.forecasts()[:MOST]
            levels = {pool_key(view.provider_id, view.pool_id): view.risk_level for view in views}
            return {key: level for key, level in levels.items() if keys is None or key in keys}
        found: dict[str, str] = {}
        for key in sorted(keys)[:MOST]:
            try:
                (view,) = self._arbiter.forecasts(key)
            except RatelordError:  # it went with a reload of the policy
                continue
            found[key] = view.risk_level
        return found

    def _turned(self, seen: dict[str, str]) -> list[ServerEvent]:
        before, self._levels = self._levels, seen
        turned = [key for key, level in seen.items() if before.get(key, "ok") != level]
        uris = [uri for key in turned for uri in uris_of_pool(key)]
        return [ResourceUpdated(uri=uri) for uri in (*uris, *([POOLS] if turned else []))]

    def _configured(self, config: tuple[str, frozenset[str]]) -> list[ServerEvent]:
        before, self._config = self._config, config
        if before is None or before == config:
            return []
        return [ResourceUpdated(uri=CONFIG), ResourceUpdated(uri=POOLS), ResourcesListChanged()]
