"""Resource addresses: ``ratelord://…``, read strictly, written one way."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

from ratelord_core.model.ids import is_id, split_pool_key

SCHEME: Final = "ratelord://"
POOLS: Final = "ratelord://pools"
CONFIG: Final = "ratelord://config"
LISTS: Final = "ratelord:lists"
"""No resource: stands for what is listed, among what somebody follows."""
POOL: Final = "ratelord://pools/{provider_id}/{pool_id}"
FORECAST: Final = "ratelord://forecasts/{provider_id}/{pool_id}"
LONGEST: Final = 2048
"""Characters of an address; ids are at most 256, each written with percent signs."""
_NAME = re.compile(r"\{(\w+)\}")


def fill(template: str, **names: str) -> str:
    """An address: ids in place of ``{names}``, what is special in them with percent signs."""
    return _NAME.sub(lambda found: quote(names[found[1]], safe=":@"), template)


def uris_of_pool(key: str) -> tuple[str, str]:
    """Where a pool and its forecast are read."""
    provider_id, pool_id = split_pool_key(key)
    names = {"provider_id": provider_id, "pool_id": pool_id}
    return fill(POOL, **names), fill(FORECAST, **names)


def pool_of(uri: str) -> str | None:
    """The pool that an address speaks of, if it is one pool's."""
    for template in (POOL, FORECAST):
        names = match(template, uri)
        if names:
            return f"{names['provider_id']}/{names['pool_id']}"
    return None


def match(template: str, uri: str) -> dict[str, str] | None:
    """The names that an address gives in place of a template's; None if it does not fit.

    Every name must be an id; the last one may hold slashes as they are.
    """
    if len(uri) > LONGEST or not uri.startswith(SCHEME):
        return None
    found = _pattern(template).fullmatch(uri)
    if found is None:
        return None
    names = {name: unquote(text, errors="replace") for name, text in found.groupdict().items()}
    return names if all(is_id(text) for text in names.values()) else None


@lru_cache(maxsize=256)
def _pattern(template: str) -> re.Pattern[str]:
    last = len(_NAME.findall(template)) - 1
    parts: list[str] = []
    for index, part in enumerate(_NAME.split(template)):
        is_name, place = index % 2 == 1, index // 2
        rest = "[^?#]" if place == last else "[^/?#]"
        parts.append(f"(?P<{part}>{rest}+)" if is_name else re.escape(part))
    return re.compile("".join(parts))
