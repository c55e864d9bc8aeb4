"""The header dialects in use, as a table. A new one is a new row, with an example in the tests.

Sources: the rate-limit pages of each provider's API reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ratelord_core.headers.dialect import Dialect, Meter, read_dialect, x_ratelimit
from ratelord_core.headers.limit import UNREADABLE, Reading
from ratelord_core.headers.rate_fields import read_rate_fields
from ratelord_core.model.instant import DAY, HOUR, MINUTE, SECOND, Micros

MODEL: Final = "x-ratelord-model"
"""Not a provider's: by this name whoever passes headers on adds the model that a request named,
where the response does not say it."""


def _openai(resource: str, unit: str) -> Meter:
    return Meter(
        resource,
        limit=f"x-ratelimit-limit-{resource}",
        remaining=f"x-ratelimit-remaining-{resource}",
        reset=f"x-ratelimit-reset-{resource}",
        form="duration",
        every=MINUTE,
        unit=unit,
    )


def _anthropic(resource: str, unit: str, family: str = "ratelimit") -> Meter:
    start = f"anthropic-{family}-{resource}"
    return Meter(
        (resource if family == "ratelimit" else f"{family}-{resource}").replace("-", "_"),
        limit=f"{start}-limit",
        remaining=f"{start}-remaining",
        reset=f"{start}-reset",
        form="rfc3339",
        every=MINUTE,
        unit=unit,
    )


def _linear(resource: str, unit: str) -> Meter:
    start = f"x-ratelimit-{resource}"
    return Meter(
        resource,
        limit=f"{start}-limit",
        remaining=f"{start}-remaining",
        reset=f"{start}-reset",
        every=HOUR,
        unit=unit,
    )


def _windowed(name: str, every: Micros) -> Meter:
    return Meter(
        name,
        limit=f"x-ratelimit-limit-{name}",
        remaining=f"x-ratelimit-remaining-{name}",
        every=every,
    )


_TOKEN_KINDS: Final = ("tokens", "input-tokens", "output-tokens")

OPENAI: Final = Dialect(
    "openai",
    (
        _openai("requests", "requests"),
        _openai("tokens", "tokens"),
        _openai("project-requests", "requests"),
        _openai("project-tokens", "tokens"),
    ),
)
ANTHROPIC: Final = Dialect(
    "anthropic",
    (
        _anthropic("requests", "requests"),
        *(_anthropic(kind, "tokens") for kind in _TOKEN_KINDS),
        *(_anthropic(kind, "tokens", "priority") for kind in _TOKEN_KINDS[1:]),
    ),
)

TABLE: Final[tuple[Dialect, ...]] = (
    OPENAI,
    ANTHROPIC,
    Dialect("linear", (_linear("requests", "requests"), _linear("complexity", "points"))),
    Dialect(
        "kong",
        tuple(
            _windowed(name, every)
            for name, every in (
                ("second", SECOND),
                ("minute", MINUTE),
                ("hour", HOUR),
                ("day", DAY),
                ("month", 30 * DAY),
            )
        ),
    ),
    Dialect(
        "discord",
        (
            Meter(
                limit="x-ratelimit-limit",
                remaining="x-ratelimit-remaining",
                reset="x-ratelimit-reset-after",
                form="seconds",
            ),
        ),
        "x-ratelimit-bucket",
        sign="x-ratelimit-reset-after",
    ),
    Dialect("shopify", (Meter(ratio="x-shopify-shop-api-call-limit"),)),
    Dialect(
        "zendesk",
        (Meter(limit="x-rate-limit", remaining="x-rate-limit-remaining", reset="ratelimit-reset"),),
        sign="x-rate-limit",
    ),
    Dialect(
        "gitlab",
        (
            Meter(
                limit="ratelimit-limit",
                remaining="ratelimit-remaining",
                used="ratelimit-observed",
                reset="ratelimit-reset",
                every=MINUTE,
            ),
        ),
        "ratelimit-name",
        sign="ratelimit-observed",
    ),
    Dialect(
        "x-rate-limit",
        (
            Meter(
                limit="x-rate-limit-limit",
                remaining="x-rate-limit-remaining",
                reset="x-rate-limit-reset",
                form="any",
            ),
        ),
    ),
    Dialect(
        "x-ratelimit",
        (
            Meter(
                limit="x-ratelimit-limit",
                remaining="x-ratelimit-remaining",
                used="x-ratelimit-used",
                reset="x-ratelimit-reset",
                form="any",
            ),
        ),
        "x-ratelimit-resource",
    ),
)
"""From the most to the least particular: the first that tells something is meant."""

GITHUB: Final = x_ratelimit(name="github")
NAMED: Final[Mapping[str, Dialect]] = {one.name: one for one in (*TABLE, GITHUB)}

STANDARD: Final = "ratelimit"
"""The name of the standard's own fields, among the dialects."""

Read = Callable[[Mapping[str, str], Micros], Reading]


def reader(name: str) -> Read | None:
    """The reader of one dialect by name; None if nobody knows it."""
    if name == STANDARD:
        return read_rate_fields
    dialect = NAMED.get(name)
    if dialect is None:
        return None
    return lambda headers, now: read_dialect(dialect, headers, now)


def read_any(headers: Mapping[str, str], now: Micros) -> Reading:
    """What the headers tell, in whatever dialect: the most particular one that tells something. If
    none does, but one of them meant to, the reading is ``malformed``."""
    malformed = False
    for dialect in TABLE:
        found = read_dialect(dialect, headers, now)
        if found.limits:
            return found
        malformed = malformed or found.malformed
    found = read_rate_fields(headers, now)
    return UNREADABLE if malformed and not found.limits else found


def speaks_of_limits(headers: Mapping[str, str]) -> bool:
    """Whether any header is named as those of a rate limit are."""
    return any("ratelimit" in name or "rate-limit" in name for name in headers)
