"""The limits of an organisation or one of its workspaces, as the administration API lists them.

Source: Anthropic's API reference, "Rate Limits API".
"""

from __future__ import annotations

from typing import Final

import msgspec

from ratelord_core.errors import ProviderFailed
from ratelord_core.model.ids import is_id
from ratelord_core.model.model_names import without_edition
from ratelord_core.model.pool import MAX_UNITS
from ratelord_core.model_pools import Group
from ratelord_core.model_provider import LimitsPage

_KINDS: Final = {
    "requests_per_minute": "requests",
    "input_tokens_per_minute": "input_tokens",
    "input_tokens_per_minute_cache_aware": "input_tokens",
    "output_tokens_per_minute": "output_tokens",
}


class _Limit(msgspec.Struct):
    type: str
    value: int


class _Entry(msgspec.Struct):
    limits: list[_Limit]
    models: list[str] | None = None


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    next_page: str | None = None


def path_of(workspace: str) -> str:
    """Where the limits are listed: the workspace's, what it inherits included, or the
    organisation's."""
    if workspace:
        return f"/v1/organizations/workspaces/{workspace}/rate_limits?include_inherited=true"
    return "/v1/organizations/rate_limits?group_type=model_group"


def read_page(body: bytes) -> LimitsPage:
    """A page of the list. Raises ``ProviderFailed`` if it is none. Models of one entry share its
    limits; what is of no models (batches, files) is left out, as is an entry without sense."""
    try:
        page = msgspec.json.decode(body, type=_Page)
    except msgspec.MsgspecError:
        raise ProviderFailed("malformed", "Anthropic listed no rate limits") from None
    found = [_group(raw) for raw in page.data]
    return LimitsPage(tuple(group for group in found if group), page.next_page or "")


def _group(raw: msgspec.Raw) -> Group | None:
    try:
        entry = msgspec.json.decode(raw, type=_Entry)
    except msgspec.MsgspecError:
        return None
    names = dict.fromkeys(without_edition(name) for name in entry.models or ())
    models = tuple(sorted(names, key=lambda name: (len(name), name)))
    limits = {_KINDS[one.type]: one.value for one in entry.limits if one.type in _KINDS}
    sane = all(0 <= value <= MAX_UNITS for value in limits.values())
    if not models or not limits or not sane or not all(map(is_id, models)):
        return None
    return Group(models[0], models, limits)
