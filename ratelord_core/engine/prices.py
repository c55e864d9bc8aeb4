"""What an action costs in money, from the price list: whole micro-USD, rounded up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

import msgspec

from ratelord_core.engine.units import whole
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.pool import MAX_UNITS

_PARTS = ("input", "output", "cached")
"""What tokens are split into where they have different prices."""
_SUFFIXES = ("_tokens", "-tokens")
_PER = 1000
"""Prices are for so many units."""
_SCALE = 10**6
"""Prices are kept in millionths of a micro-USD, so that sums of them are exact."""


class Amount(msgspec.Struct, frozen=True, gc=False):
    """So many units of a pool, or of what is only counted for its price."""

    key: str
    units: int
    unit: str = ""


class _Price(msgspec.Struct, frozen=True, gc=False):
    """``name`` is what is charged once; a ``lump`` is tokens that nobody split into their parts."""

    name: str
    scaled: int
    part: bool = False
    lump: bool = False


_Question = tuple[str, str, str, str]


class Prices:
    """The price list: micro-USD per 1,000 units by provider and by what is counted.

    What is counted is a pool's id, its unit, ``requests``, or a part of tokens (``input``,
    ``output``, ``cached``), with the model in front where models differ: ``gpt-x-input``. What no
    price fits exactly is taken at the dearest that it may be, so that a hold is never too small.
    """

    def __init__(self, lists: Mapping[str, Mapping[str, float]]) -> None:
        self.lists = {
            provider: {name: _scaled(price) for name, price in prices.items()}
            for provider, prices in lists.items()
        }
        """Scaled prices by provider and name; empty: nothing has a price."""
        self._known: dict[_Question, _Price | None] = {}

    def knows(self, key: str, model: str | None) -> bool:
        """Whether ``provider/what`` has a price."""
        provider, what = split_pool_key(key)
        return self._find(provider, what, "", model or "") is not None

    def cost(self, amounts: Iterable[Amount], model: str | None) -> int | None:
        """Micro-USD for these amounts together; None if nothing of it has a price.

        What several pools count is charged once, the largest of them. Tokens in a lump are not
        charged where the same provider's parts of them are. A provider with a price for
        ``requests`` charges one, if nobody counts them.
        """
        bill: dict[tuple[str, str], tuple[int, _Price]] = {}
        split = set()
        for provider, price, units in self._priced(amounts, model or ""):
            place = (provider, price.name)
            if place not in bill or bill[place][0] < units:
                bill[place] = (units, price)
            if price.part:
                split.add(provider)
        if not bill:
            return None
        total = sum(
            units * price.scaled
            for (provider, _), (units, price) in bill.items()
            if not (price.lump and provider in split)
        )
        return min(MAX_UNITS, -(-total // (_PER * _SCALE)))

    def _priced(self, amounts: Iterable[Amount], model: str) -> Iterator[tuple[str, _Price, int]]:
        drawn_from: dict[str, None] = {}
        for amount in amounts:
            provider, what = split_pool_key(amount.key)
            drawn_from[provider] = None
            price = self._find(provider, what, amount.unit, model)
            if price is not None:
                yield provider, price, amount.units
        for provider in drawn_from:
            each = self._find(provider, "requests", "requests", model)
            if each is not None:
                yield provider, each, 1

    def _find(self, provider: str, what: str, unit: str, model: str) -> _Price | None:
        if provider not in self.lists:
            return None
        question = (provider, what, unit, model)
        if question not in self._known:
            if len(self._known) >= 4096:  # models are strangers' names
                self._known.clear()
            self._known[question] = self._search(*question)
        return self._known[question]

    def _search(self, provider: str, what: str, unit: str, model: str) -> _Price | None:
        prices = self.lists[provider]
        plain = what
        for suffix in _SUFFIXES:
            plain = plain.removesuffix(suffix)
        part = plain in _PARTS
        lump = not part and "tokens" in (what, unit)
        kinds = tuple(dict.fromkeys((what, plain) if part else (what, plain, unit)))
        for name in (*(f"{model}-{kind}" for kind in kinds if model), *kinds):
            if name in prices:
                return _Price(name, prices[name], part, lump)
        for few in ((f"{model}-{part_}" for part_ in _PARTS if lump and model), _parts(lump)):
            dear = [prices[name] for name in few if name in prices]
            if dear:
                return _Price("tokens", max(dear), part, lump)
        ends = tuple(f"-{kind}" for kind in (*kinds, *_parts(lump)) if kind)
        dear = [price for name, price in prices.items() if name.endswith(ends)]
        return _Price(kinds[0], max(dear), part, lump) if dear else None


def _parts(lump: bool) -> tuple[str, ...]:
    return _PARTS if lump else ()


def _scaled(price: float) -> int:
    exact = Fraction(str(price)) * _SCALE
    return -(-exact.numerator // exact.denominator)


def meters(costs: Mapping[str, float], pools: Iterable[str]) -> list[Amount]:
    """What an asker or a report counts beside the pools: only their prices matter."""
    drawn = set(pools)
    return [Amount(key, whole(units)) for key, units in costs.items() if key not in drawn]
