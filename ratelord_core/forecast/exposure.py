"""The clock on which demand is measured: it stands still while nobody could be let through."""

from __future__ import annotations

from typing import Any, Final

_FIELDS: Final = ("offset", "empty_since", "refused_since", "used", "limit", "kind", "span")
_REFILLED_AT_ONCE: Final = frozenset({"fixed", "calendar"})


class Exposure:
    """Turns the time of day into time during which demand could be seen.

    Zero usage means zero demand only while callers are let through. Two things stop the clock. The
    pool is empty: until the window ends; but if usage is reported all the same, nobody is being
    stopped and the clock runs. Or somebody was refused: until somebody is let through again, one
    window of ``span`` seconds at most. How often those who were refused ask again says nothing, so
    refusals are not counted, only timed.
    """

    __slots__ = tuple(_FIELDS)

    def __init__(self, limit: float, span: float) -> None:
        self.limit = max(limit, 0.0)
        self.span = span
        self.kind = "fixed"
        self.used = 0.0
        self.offset = 0.0
        self.empty_since: float | None = None
        self.refused_since: float | None = None

    def observe(self, t: float, units: float) -> float:
        """So many units were let through (or seen to be spent) at ``t``; the clock's time then."""
        if self.refused_since is not None:
            self._resume(t, self.refused_since)
        self.empty_since = None
        before = self.used
        self.used = before + units
        if self.used >= self.limit > before and self.kind in _REFILLED_AT_ONCE:
            self.empty_since = t
        return t - self.offset

    def take_back(self, t: float, units: float) -> float:
        """So many units were not used after all; the clock's time at ``t``."""
        self.used = max(0.0, self.used - units)
        self._refilled(t)
        return self.time(t)

    def refused(self, t: float) -> None:
        """Somebody asked at ``t`` and was not let through."""
        if self.refused_since is None and self.empty_since is None:
            self.refused_since = t

    def window(self, t: float, limit: float, used: float, kind: str) -> None:
        """The pool's window as known at ``t``: who was refused may now be let through."""
        self.limit, self.used, self.kind = max(limit, 0.0), used, kind
        if self.refused_since is not None:
            self._resume(t, self.refused_since)
        self._refilled(t)
        if self.used >= self.limit > 0.0 and self.empty_since is None:
            self.empty_since = t if kind in _REFILLED_AT_ONCE else None

    def time(self, t: float) -> float:
        """The clock's time at ``t``."""
        if self.empty_since is not None:
            return self.empty_since - self.offset
        if self.refused_since is not None:
            return max(self.refused_since, t - self.span) - self.offset
        return t - self.offset

    def state(self) -> list[Any]:
        """Everything remembered, as plain JSON values."""
        return [getattr(self, name) for name in _FIELDS]

    def restore(self, state: list[Any]) -> None:
        """Continue from a state."""
        for name, value in zip(_FIELDS, state, strict=True):
            setattr(self, name, value)

    def _refilled(self, t: float) -> None:
        if self.empty_since is not None and (self.used < self.limit or self.limit <= 0.0):
            self.offset += max(0.0, t - self.empty_since)
            self.empty_since = None

    def _resume(self, t: float, since: float) -> None:
        self.offset += min(max(0.0, t - since), self.span)
        self.refused_since = None
