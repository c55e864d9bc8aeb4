"""Lists by cursor: ``{"items": […], "next": "…"|null}``.

A cursor names the last item that was sent, so that a list that changes meanwhile neither repeats
nor skips what stayed.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from ratelord_core.http.parameters import AFTER, LIMIT
from ratelord_core.http.query import Query

Item = TypeVar("Item")


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """A page; ``next`` is the ``after`` of the next one, null on the last."""

    items: list[Item]
    next: str | None


class Window(msgspec.Struct, frozen=True):
    """Which part of a list was asked for."""

    after: str
    limit: int

    def cut(self, items: Iterable[Item], key: Callable[[Item], str]) -> Page[Item]:
        """The page of the items, in the order of their keys (unique texts)."""
        ordered = sorted(items, key=key)
        start = bisect_right(ordered, self.after, key=key) if self.after else 0
        page = ordered[start : start + self.limit]
        more = start + self.limit < len(ordered)
        return Page(page, _cursor(key(page[-1])) if more else None)


def read_window(query: Query) -> Window:
    """``limit`` and ``after`` of a list."""
    limit = LIMIT.wanted(query)
    cursor = AFTER.read(query)
    try:
        after = "" if cursor is None else urlsafe_b64decode(cursor + "==").decode("utf-8")
    except ValueError:
        query.wrong(AFTER.name, "is not a cursor; pass the next of the page before")
        after = ""
    return Window(after, limit)


def _cursor(key: str) -> str:
    return urlsafe_b64encode(key.encode()).rstrip(b"=").decode("ascii")
