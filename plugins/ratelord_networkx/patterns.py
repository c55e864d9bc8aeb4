"""Tables looked up by exact name or by the longest pattern ending in ``*``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

Value = TypeVar("Value")


class PatternTable(Generic[Value]):
    """A mapping whose keys may end in ``*``.

    Prefixes are kept by their length, so a lookup costs one probe per distinct length, however
    many patterns there are.
    """

    __slots__ = ("_counts", "_exact", "_lengths", "_prefixes")

    def __init__(self, entries: Mapping[str, Value] | None = None) -> None:
        self._exact: dict[str, Value] = {}
        self._prefixes: dict[str, Value] = {}
        self._counts: dict[int, int] = {}
        self._lengths: tuple[int, ...] = ()
        for pattern, value in (entries or {}).items():
            self.put(pattern, value)

    def put(self, pattern: str, value: Value) -> None:
        """Add or replace the value of a name or pattern."""
        if not pattern.endswith("*"):
            self._exact[pattern] = value
            return
        if pattern[:-1] not in self._prefixes:
            self._count(len(pattern) - 1, 1)
        self._prefixes[pattern[:-1]] = value

    def drop(self, pattern: str) -> None:
        """Forget a name or pattern; one that is not there is fine."""
        if not pattern.endswith("*"):
            self._exact.pop(pattern, None)
        elif self._prefixes.pop(pattern[:-1], None) is not None:
            self._count(len(pattern) - 1, -1)

    def get(self, pattern: str) -> Value | None:
        """The value put under exactly this name or pattern."""
        if pattern.endswith("*"):
            return self._prefixes.get(pattern[:-1])
        return self._exact.get(pattern)

    def every(self, name: str) -> Iterator[Value]:
        """The values of all entries that match: the exact one, then from longest to shortest."""
        if name in self._exact:
            yield self._exact[name]
        for length in self._lengths:
            if length <= len(name) and name[:length] in self._prefixes:
                yield self._prefixes[name[:length]]

    def _count(self, length: int, change: int) -> None:
        before = self._counts.get(length, 0)
        self._counts[length] = before + change
        if before == 0 or before + change == 0:
            alive = (length for length, count in self._counts.items() if count)
            self._lengths = tuple(sorted(alive, reverse=True))
