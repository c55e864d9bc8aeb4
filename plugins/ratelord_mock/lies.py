"""Answers that a provider should never give: polls that end well, with numbers that are wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from msgspec.structs import replace

from ratelord_core.model.instant import DAY, HOUR, MINUTE
from ratelord_core.model.observation import Observation
from ratelord_core.provider import PollResult

_OF_POOLS: Final[Mapping[str, Callable[[Observation, int], Observation]]] = {
    "reset_in_the_past": lambda seen, _: replace(seen, reset_at=max(0, seen.dated - MINUTE)),
    "reset_in_a_year": lambda seen, _: replace(seen, reset_at=seen.dated + 365 * DAY),
    "negative_remaining": lambda seen, _: replace(seen, used=None, remaining=-5),
    "wrong_types": lambda seen, _: replace(seen, limit=cast("Any", "many")),
    "shrinking_limit": lambda seen, nth: replace(seen, limit=_halved(seen.limit, nth)),
    "anothers_pools": lambda seen, _: replace(seen, provider_id=f"not-{seen.provider_id}"),
}
"""What becomes of each pool's numbers, in the so many-th poll with that fault (1 = the first)."""

FUTURE: Final = "dated_in_the_future"
NOTHING: Final = "no_answer"
LIES: Final = (*_OF_POOLS, FUTURE, NOTHING)


def tell(result: PollResult, lie: str, nth: int) -> PollResult:
    """The result as this lie has it; the state that survives stays honest."""
    if lie == NOTHING:
        return cast("PollResult", None)
    if lie == FUTURE:
        return replace(result, dated=result.dated + HOUR)
    change = _OF_POOLS[lie]
    return replace(result, observations=tuple(change(seen, nth) for seen in result.observations))


def _halved(limit: int | None, times: int) -> int | None:
    return None if limit is None else limit >> times
