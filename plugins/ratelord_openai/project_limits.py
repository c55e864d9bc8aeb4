"""The limits of a project, as OpenAI's administration API lists them: what no response tells.

Source: OpenAI's API reference, "Project rate limits".
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ratelord_core.errors import ProviderFailed
from ratelord_core.model.ids import is_id
from ratelord_core.model.model_names import without_edition
from ratelord_core.model.pool import MAX_UNITS
from ratelord_core.model_pools import Group
from ratelord_core.model_provider import LimitsPage

_KINDS: Final = {
    "max_requests_per_1_minute": "requests",
    "max_tokens_per_1_minute": "tokens",
    "max_images_per_1_minute": "images",
    "max_audio_megabytes_per_1_minute": "audio_megabytes",
    "max_requests_per_1_day": "requests_per_day",
    "batch_1_day_max_input_tokens": "batch_tokens",
}


class _Page(msgspec.Struct):
    data: list[dict[str, Any]]
    has_more: bool = False
    last_id: str | None = None


def read_page(body: bytes) -> LimitsPage:
    """A page of the list. Raises ``ProviderFailed`` if it is none; a model whose limits make no
    sense is left out whole."""
    try:
        page = msgspec.json.decode(body, type=_Page)
    except msgspec.MsgspecError:
        raise ProviderFailed("malformed", "OpenAI listed no rate limits; check base_url") from None
    found: list[Group] = []
    for told in page.data:
        model = told.get("model")
        limits = {kind: told[name] for name, kind in _KINDS.items() if told.get(name) is not None}
        name = without_edition(model) if isinstance(model, str) else ""
        if is_id(name) and all(map(_is_count, limits.values())):
            found.append(Group(name, (name,), limits))
    return LimitsPage(tuple(found), (page.last_id or "") if page.has_more else "")


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_UNITS
