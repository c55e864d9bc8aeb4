"""The action that caps what is spent: budget_cap."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from ratelord_actions.spans import Span, micros
from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import MAX_UNITS, MONEY, WHOLE
from ratelord_core.model.window import Window
from ratelord_core.policy.action import Cap, Count, Effect
from ratelord_core.policy.situation import Situation

_CALENDAR = ("hour", "day", "week", "month")
_PER = re.compile(r"(agent|identity|workload|scope|(label:|client_context\.)\S{1,200})?")

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]


class BudgetWindow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A calendar's hour, day, week or month in a time zone, or any rolling length of time."""

    every: str
    kind: Literal["calendar", "sliding"] = "calendar"
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        self.window()

    def window(self) -> Window:
        """The window as pools have them. Raises ``ValueError`` for one that there is not."""
        if self.kind == "sliding":
            return Window(kind="sliding", every=_length(self.every))
        if self.every not in _CALENDAR:
            raise ValueError(f"a calendar has no {self.every!r}, only {', '.join(_CALENDAR)}")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{self.timezone!r} is not a time zone") from None
        return Window(kind="calendar", unit=self.every, timezone=self.timezone)  # type: ignore[arg-type]  # one of _CALENDAR


class BudgetCapParams(msgspec.Struct, frozen=True):
    """``limit_microusd`` in every ``window``; warned at these percentages, and when it will be used
    up at least ``warn_before`` before its reset. ``per`` gives each value an amount of its own,
    ``reserve_percent`` is kept for urgent intents."""

    limit_microusd: Annotated[int, msgspec.Meta(ge=0, le=MAX_UNITS)]
    window: str | BudgetWindow
    warn_at: Annotated[tuple[Percent, ...], msgspec.Meta(max_length=8)] = ()
    warn_before: Span | None = None
    per: str = ""
    reserve_percent: Percent = 0.0
    reason: str = ""

    def __post_init__(self) -> None:
        self.refill()
        if not _PER.fullmatch(self.per):
            raise ValueError(
                f"per {self.per!r} is none of agent, identity, workload, scope, label:KEY, "
                "client_context.KEY"
            )
        if self.warn_before is not None:
            micros(self.warn_before)

    def refill(self) -> Window:
        """When it is full again; a text is a calendar's unit, or a rolling length of time."""
        if isinstance(self.window, BudgetWindow):
            return self.window.window()
        kind: Literal["calendar", "sliding"]
        kind = "calendar" if self.window in _CALENDAR else "sliding"
        return BudgetWindow(self.window, kind).window()


class BudgetCapAction:
    """Counts the money of every intent to which the rule applies, up to a limit in each window."""

    name = "budget_cap"
    params: type[msgspec.Struct] = BudgetCapParams

    def cap(self, params: BudgetCapParams) -> Cap:
        """The budget as a pool."""
        kept = round(params.reserve_percent * WHOLE / 100)
        return Cap(MONEY, params.limit_microusd, params.refill(), params.per, kept or None)

    def apply(self, params: BudgetCapParams, situation: Situation) -> Effect:
        before = None if params.warn_before is None else micros(params.warn_before)
        return Count(params.warn_at, before, params.reason)


def _length(text: str) -> Micros:
    span = micros(text)
    if not span:
        raise ValueError("a window must be longer than 0")
    return span
