"""One mechanism for every record of a scenario file: a field says how it is read, and what it is.

The reference of keys in the documentation comes from the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar, get_type_hints

import msgspec
import yaml

from ratelord_core.policy.fields import Fields
from ratelord_core.policy.reading import Reading

Reader = Callable[[yaml.Node, str, Reading], Any]
Made = TypeVar("Made", bound=msgspec.Struct)


class Key(msgspec.Struct, frozen=True):
    """How a field is written: its reader, other spellings, what kind of value, what it means."""

    reads: Reader
    also: tuple[str, ...]
    about: str
    need: bool


def key(reads: Reader, about: str, *also: str, need: bool = False) -> msgspec.Meta:
    """Marks a field of a scenario's record."""
    return msgspec.Meta(extra={"key": Key(reads, also, about, need)})


@cache
def keys_of(kind: type[msgspec.Struct]) -> dict[str, Key]:
    """The keys of a record, in the order in which it has them."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        name: meta.extra["key"]
        for name in kind.__struct_fields__
        for meta in getattr(hints[name], "__metadata__", ())
        if meta.extra and "key" in meta.extra
    }


def read_record(
    kind: type[Made], node: yaml.Node, path: str, reading: Reading, beside: tuple[str, ...] = ()
) -> Made | None:
    """A mapping as a record; unknown, repeated and missing keys are findings. Those ``beside`` it
    are read elsewhere, and may be what a misspelt one was meant to be."""
    fields = Fields(node, path, reading)
    fields.at(*beside)
    before = len(reading.findings)
    found: dict[str, Any] = {}
    for name, known in keys_of(kind).items():
        take = fields.need if known.need else fields.maybe
        value = take(known.reads, name, *known.also)
        if value is not None:
            found[name] = value
    fields.close()
    return kind(**found) if len(reading.findings) == before else None


def records(kind: type[Made], *, one: bool = False) -> Reader:
    """A reader of a list of records; with ``one`` a single mapping is a list of one."""

    def read(node: yaml.Node, path: str, reading: Reading) -> tuple[Made, ...] | None:
        if one and isinstance(node, yaml.MappingNode):
            found = read_record(kind, node, path, reading)
            return None if found is None else (found,)
        if not isinstance(node, yaml.SequenceNode):
            reading.found(node, path, f"{path} must be a list", "start each entry with '- '")
            return None
        read = (read_record(kind, item, f"{path}[{at}]", reading) for at, item in _numbered(node))
        return tuple(record for record in read if record is not None)

    return read


def named(kind: type[Made], field: str) -> Reader:
    """A reader of a mapping of names to records (the name goes into ``field``), or a list."""
    listed = records(kind)

    def read(node: yaml.Node, path: str, reading: Reading) -> tuple[Made, ...] | None:
        if not isinstance(node, yaml.MappingNode):
            found: tuple[Made, ...] | None = listed(node, path, reading)
            return found
        made = []
        for name, value in node.value:
            whole = yaml.MappingNode(
                value.tag, [(_scalar(field, name), name), *_pairs(value)], *_marks(value)
            )
            record = read_record(kind, whole, f"{path}.{name.value}", reading)
            if record is not None:
                made.append(record)
        return tuple(made)

    return read


def record(kind: type[Made], *, beside: tuple[str, ...] = ()) -> Reader:
    """A reader of one record; the keys ``beside`` it are read elsewhere."""

    def read(node: yaml.Node, path: str, reading: Reading) -> Made | None:
        return read_record(kind, node, path, reading, beside)

    return read


def _numbered(node: yaml.SequenceNode) -> Iterator[tuple[int, yaml.Node]]:
    yield from enumerate(node.value)


def _scalar(text: str, like: yaml.Node) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, like.start_mark, like.end_mark)


def _pairs(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _marks(node: yaml.Node) -> tuple[Any, Any]:
    return node.start_mark, node.end_mark
