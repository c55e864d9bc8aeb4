"""What GraphQL says of its own limit: ``rateLimit { cost remaining resetAt }`` in an answer.

Source: GitHub's guide "Rate limits and query limits for the GraphQL API".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import RateLimit, parse_rfc3339
from ratelord_core.model.instant import SECOND
from ratelord_core.model.pool import MAX_UNITS

FIELDS: Final = "rateLimit { limit cost remaining used resetAt }"
"""What to add to a query of one's own, so that its answer tells what it cost."""
QUERY: Final = f"query {{ {FIELDS} }}"
GRAPHQL: Final = "graphql"


class RateLimitField(msgspec.Struct, frozen=True, rename="camel"):
    """The field ``rateLimit``. ``cost`` is what the query that asked took, in points."""

    remaining: int
    reset_at: str
    cost: int | None = None
    limit: int | None = None
    used: int | None = None


class _Data(msgspec.Struct):
    rate_limit: RateLimitField | None = msgspec.field(name="rateLimit", default=None)


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""


class _Answer(msgspec.Struct):
    data: _Data | None = None
    errors: list[_Error] = []


def read_answer(body: bytes) -> RateLimitField:
    """The field in an answer. Raises ``ProviderFailed``: ``rate_limited`` if nothing is left (which
    GraphQL says in an answer that is otherwise good), ``malformed`` if there is no such field."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.MsgspecError:
        raise ProviderFailed("malformed", "GraphQL's answer cannot be read") from None
    if any(error.type == "RATE_LIMITED" for error in answer.errors):
        raise ProviderFailed("rate_limited", "GraphQL: no points are left")
    told = answer.data.rate_limit if answer.data else None
    if told is None:
        said = " ".join(answer.errors[0].message.split())[:200] if answer.errors else "no rateLimit"
        raise ProviderFailed("malformed", f"GraphQL: {said}")
    return told


def limit_of(told: RateLimitField) -> RateLimit:
    """The limit of the pool ``graphql``. Raises ``ProviderFailed`` if it contradicts itself."""
    counts = [one for one in (told.limit, told.remaining, told.used, told.cost) if one is not None]
    reset_at = parse_rfc3339(told.reset_at)
    whole = all(0 <= count <= MAX_UNITS for count in counts)
    if not whole or reset_at is None or (told.limit is not None and told.remaining > told.limit):
        raise ProviderFailed("malformed", "GraphQL: rateLimit makes no sense")
    return RateLimit(told.limit, told.remaining, told.used, reset_at, GRAPHQL)


def as_headers(content: Mapping[str, Any]) -> dict[str, str]:
    """The field of a decoded answer as the headers that tell the same: for whoever passes on an
    answer whose headers are out of reach. Nothing if there is no such field, or it makes no sense.
    """
    try:
        told = msgspec.convert(content, _Answer).data
        limit = limit_of(told.rate_limit) if told and told.rate_limit else None
    except (msgspec.ValidationError, ProviderFailed):
        return {}
    if limit is None or limit.limit is None or limit.reset_at is None:
        return {}
    named = {
        "limit": limit.limit,
        "remaining": limit.remaining,
        "reset": -(-limit.reset_at // SECOND),
        "resource": GRAPHQL,
    }
    return {f"x-ratelimit-{name}": str(value) for name, value in named.items()}


def cost_of(content: Mapping[str, Any]) -> int | None:
    """The points that a decoded answer says it took, for a report's ``actual_costs``."""
    try:
        told = msgspec.convert(content, _Answer).data
    except msgspec.ValidationError:
        return None
    return told.rate_limit.cost if told and told.rate_limit else None
