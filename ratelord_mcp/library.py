"""The resources of one server: listed, looked up, read."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Final

import msgspec
from anyio.to_thread import run_sync
from mcp import MCPError, types

from ratelord_core.agent_tools import AgentResource, Reading, ToolCall
from ratelord_core.arbiter import Arbiter
from ratelord_core.errors import Forbidden, NotFound, PluginError, RatelordError, Unavailable
from ratelord_core.model.ids import pool_key
from ratelord_mcp.addresses import POOL, match, uris_of_pool
from ratelord_mcp.answers import UNFORESEEN
from ratelord_mcp.call import Context
from ratelord_mcp.toolbox import CallerOf
from ratelord_mcp.tools.usage import may_see

PAGE: Final = 100
"""Pools of one page of the list."""
_NAMES = re.compile(r"\{\w+\}")
_encode = msgspec.json.Encoder().encode
_log = logging.getLogger(__name__)


class Library:
    """Lists and reads resources."""

    def __init__(
        self,
        arbiter: Arbiter,
        caller_of: CallerOf,
        resources: Iterable[AgentResource],
        *,
        blocking: bool,
    ) -> None:
        self._arbiter = arbiter
        self._caller_of = caller_of
        self._blocking = blocking
        self._plain: dict[str, AgentResource] = {}
        self._templates: dict[str, AgentResource] = {}
        for resource in resources:
            shelf = self._templates if _NAMES.search(resource.uri) else self._plain
            if resource.uri in shelf:
                raise PluginError(f"two resources are at {resource.uri}; leave one plugin out")
            shelf[resource.uri] = resource

    async def is_known(self, uri: str) -> bool:
        """Whether there may be something at an address; a pool must exist."""
        found = self._find(uri)
        if found is None:
            return False
        names = found[1]
        if "pool_id" not in names:
            return True
        key = pool_key(names["provider_id"], names["pool_id"])
        try:
            if self._blocking:
                await run_sync(self._arbiter.forecasts, key, abandon_on_cancel=True)
            else:
                self._arbiter.forecasts(key)
        except NotFound:
            return False
        except Unavailable:
            return True  # whoever follows it meanwhile hears of it once there is a daemon again
        return True

    # --- listing ------------------------------------------------------------------------------

    async def list(
        self, context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """The fixed ones, and every pool by key, page by page."""
        after = params.cursor if params is not None else None
        call = self._call(context, {})
        views = [view for view in await call.look(self._arbiter.pools) if may_see(call, view)]
        keys = sorted(pool_key(view.provider_id, view.pool_id) for view in views)
        left = [key for key in keys if after is None or key > after]
        listed = [_listed(resource) for resource in self._plain.values()] if after is None else []
        listed += [_listed_pool(key, self._templates[POOL]) for key in left[:PAGE]]
        cursor = left[PAGE - 1] if len(left) > PAGE else None
        return types.ListResourcesResult(
            resources=listed, next_cursor=cursor, ttl_ms=60_000, cache_scope="private"
        )

    async def list_templates(
        self, _context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """The shapes of addresses."""
        templates = [
            types.ResourceTemplate(
                uri_template=resource.uri,
                name=resource.name,
                title=resource.title,
                description=resource.description,
                mime_type=resource.media_type,
            )
            for resource in self._templates.values()
        ]
        return types.ListResourceTemplatesResult(
            resource_templates=templates, ttl_ms=3_600_000, cache_scope="public"
        )

    # --- reading ------------------------------------------------------------------------------

    async def read(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """What is at an address."""
        uri = str(params.uri)
        found = self._find(uri)
        if found is None:
            raise _missing(uri)
        resource, names = found
        try:
            reading = await resource.read(self._call(context, names))
        except NotFound:
            raise _missing(uri) from None
        except Forbidden as error:
            raise MCPError(types.INVALID_PARAMS, str(error), {"uri": uri}) from None
        except RatelordError as error:
            raise MCPError(types.INTERNAL_ERROR, "; ".join(str(error).splitlines())) from None
        except MCPError:
            raise
        except Exception as error:  # noqa: BLE001 (what nobody foresaw must not leak to a model)
            _log.error("resource %s failed", resource.name, exc_info=error)
            raise MCPError(types.INTERNAL_ERROR, UNFORESEEN) from None
        return _read(uri, resource, reading)

    def _find(self, uri: str) -> tuple[AgentResource, dict[str, str]] | None:
        plain = self._plain.get(uri)
        if plain is not None:
            return plain, {}
        for template, resource in self._templates.items():
            names = match(template, uri)
            if names is not None:
                return resource, names
        return None

    def _call(self, context: Context, names: dict[str, str]) -> ToolCall:
        return ToolCall(self._arbiter, self._caller_of(context), names, self._blocking)


def _read(uri: str, resource: AgentResource, reading: Reading) -> types.ReadResourceResult:
    content = reading.content
    text = content if isinstance(content, str) else _encode(content).decode()
    return types.ReadResourceResult(
        contents=[types.TextResourceContents(uri=uri, mime_type=resource.media_type, text=text)],
        ttl_ms=round(1000 * reading.fresh_seconds),
        cache_scope="private",
    )


def _listed(resource: AgentResource) -> types.Resource:
    return types.Resource(
        uri=resource.uri,
        name=resource.name,
        title=resource.title,
        description=resource.description,
        mime_type=resource.media_type,
    )


def _listed_pool(key: str, template: AgentResource) -> types.Resource:
    return types.Resource(uri=uris_of_pool(key)[0], name=key, mime_type=template.media_type)


def _missing(uri: str) -> MCPError:
    known = "ratelord://pools lists what there is"
    return MCPError(types.INVALID_PARAMS, f"no such resource; {known}", {"uri": uri[:256]})
