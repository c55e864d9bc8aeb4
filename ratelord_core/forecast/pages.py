"""The pages of a book of forecasts, by pool."""

from __future__ import annotations

from collections.abc import Callable

from ratelord_core.forecast.page import Page
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.pool import PART, Pool
from ratelord_core.model.window import Window


class Pages(dict[str, Page]):
    """Pages by pool. One that is asked for before its pool was declared is that of a pool of which
    nothing is known. Parts of a pool that is counted for each value apart have no forecast but
    their shares': they have one page, on which nothing binds."""

    __slots__ = ("_open", "of_parts")

    def __init__(self, opened: Callable[[Pool], Page]) -> None:
        super().__init__()
        self._open = opened
        self.of_parts: dict[str, Page] = {}

    def __missing__(self, pool: str) -> Page:
        whole, part, _ = pool.partition(PART)
        if part:
            return self.of_parts.get(whole) or self._open_parts(whole)
        page = self[pool] = self._open(Pool(*split_pool_key(pool), window=Window(kind="fixed")))
        return page

    def _open_parts(self, whole: str) -> Page:
        page = self.of_parts[whole] = self._open(Pool("local", PART))
        page.slices = self[whole].slices.empty()
        return page
