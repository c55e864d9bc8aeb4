"""A mapping of a policy file, read key by key: unknown, repeated and missing keys are findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import yaml

from ratelord_core.policy.reading import Reading, nearest
from ratelord_core.policy.values import is_null, plain

T = TypeVar("T")
Reader = Callable[[yaml.Node, str, Reading], T | None]


def entries(node: yaml.Node, path: str, reading: Reading) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """The (key, value) nodes of a mapping by key; ``<<`` merges are followed. Anything else, and a
    key that stands twice, is a finding."""
    if is_null(node):
        return {}
    if not isinstance(node, yaml.MappingNode):
        reading.found(node, path, f"{path or 'the document'} must be a mapping of keys to values")
        return {}
    own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    for key, value in node.value:
        if key.tag == "tag:yaml.org,2002:merge":
            sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in reversed(sources):
                merged.update(entries(source, path, reading))
        elif not isinstance(key, yaml.ScalarNode):
            reading.found(key, path, "a key must be text")
        elif key.value in own:
            first = own[key.value][0].start_mark.line + 1
            reading.found(key, path, f"key {key.value!r} stands twice (first on line {first})")
        else:
            own[key.value] = (key, value)
    return {**merged, **own}


def items(node: yaml.Node, path: str, reading: Reading) -> Iterator[tuple[yaml.Node, str]]:
    """The items of a list with their paths."""
    if isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            yield item, f"{path}[{at}]"
    elif not is_null(node):
        hint = "start each entry with '- '"
        reading.found(node, path, f"{path} must be a list", hint)


def tree(node: yaml.Node, path: str, reading: Reading) -> Any:
    """Whatever stands there as plain Python values: for keys that others understand."""
    if isinstance(node, yaml.MappingNode):
        inside = entries(node, path, reading)
        return {key: tree(value, f"{path}.{key}", reading) for key, (_, value) in inside.items()}
    if isinstance(node, yaml.SequenceNode):
        return [tree(item, where, reading) for item, where in items(node, path, reading)]
    return plain(node)


def scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Every single value below a node, in the order in which they are written."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    for item in node.value if isinstance(node, yaml.CollectionNode) else ():
        for inner in item if isinstance(item, tuple) else (item,):
            yield from scalars(inner)


class Fields:
    """A mapping whose keys are known. ``null`` counts as absent."""

    def __init__(self, node: yaml.Node, path: str, reading: Reading) -> None:
        self.node = node
        self.path = path
        self.reading = reading
        self._entries = entries(node, path, reading)
        self._known: list[str] = []

    def at(self, *spellings: str) -> yaml.Node | None:
        """The value under a key that may be spelled in several ways."""
        self._known += spellings
        given = [name for name in spellings if name in self._entries]
        for extra in given[1:]:
            message = f"{extra!r} and {given[0]!r} mean the same; keep one"
            self.reading.found(self._entries[extra][0], self.path_of(extra), message)
        if not given or is_null(self._entries[given[0]][1]):
            return None
        return self._entries[given[0]][1]

    def path_of(self, key: str) -> str:
        """The path of a key, as findings name it."""
        return f"{self.path}.{key}" if self.path else key

    def get(self, reader: Reader[T], default: T, *spellings: str) -> T:
        """What the reader makes of a key; the default if it is absent or wrong."""
        value = self.maybe(reader, *spellings)
        return default if value is None else value

    def maybe(self, reader: Reader[T], *spellings: str) -> T | None:
        """What the reader makes of a key; None if it is absent or wrong."""
        node = self.at(*spellings)
        return None if node is None else reader(node, self.path_of(spellings[0]), self.reading)

    def need(self, reader: Reader[T], *spellings: str) -> T | None:
        """As ``maybe``, and a finding if it is absent."""
        node = self.at(*spellings)
        if node is not None:
            return reader(node, self.path_of(spellings[0]), self.reading)
        if isinstance(self.node, yaml.MappingNode):
            self.reading.found(self.node, self.path, f"{spellings[0]!r} is missing")
        return None

    def rest(self) -> dict[str, yaml.Node]:
        """The values of the keys that nobody asked for; they count as known from now on."""
        left = {key: value for key, (_, value) in self._entries.items() if key not in self._known}
        self._known += left
        return left

    def close(self) -> None:
        """Every key that nobody asked for is a finding."""
        for key, (node, _) in self._entries.items():
            if key not in self._known:
                message = f"unknown key {key!r}"
                self.reading.found(node, self.path_of(key), message, nearest(key, self._known))
