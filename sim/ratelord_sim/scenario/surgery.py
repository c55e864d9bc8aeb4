"""Taking a tree of nodes apart, and putting parts of it together."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import yaml

Pair = tuple[yaml.Node, yaml.Node]


def cut(node: yaml.Node, name: str) -> yaml.Node | None:
    """Take a key out of a mapping; its value, if it was there."""
    found = cut_all(node, (name,))
    return found[0][1] if found else None


def cut_below(node: yaml.Node, under: str, names: Collection[str]) -> list[Pair]:
    """Take keys out of the mapping that stands under a key."""
    inside = at(node, under)
    return cut_all(inside, names) if inside is not node else []


def cut_all(node: yaml.Node, names: Collection[str]) -> list[Pair]:
    """Take keys out of a mapping."""
    if not isinstance(node, yaml.MappingNode):
        return []
    taken = [pair for pair in node.value if pair[0].value in names]
    node.value = [pair for pair in node.value if pair not in taken]
    return taken


def at(node: yaml.Node, *path: str | int) -> yaml.Node:
    """The node at a path, or the nearest one above it that is there."""
    for step in path:
        inside = _inside(node, step)
        if inside is None:
            return node
        node = inside
    return node


def _inside(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        if isinstance(step, int):
            return next(
                (value for number, (_, value) in enumerate(node.value) if number == step), None
            )
        return next((value for name, value in node.value if name.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None


def merged(node: yaml.Node | None, sections: list[Pair]) -> yaml.MappingNode:
    """A mapping with further sections. What both have is joined: mappings by their keys, where
    those of ``node`` win; lists one after the other."""
    pairs: list[Pair] = list(node.value) if isinstance(node, yaml.MappingNode) else []
    for name, value in sections:
        known = next((n for n, pair in enumerate(pairs) if pair[0].value == name.value), None)
        if known is None:
            pairs.append((name, value))
        else:
            pairs[known] = (pairs[known][0], _joined(pairs[known][1], value))
    marks = (node.start_mark, node.end_mark) if node is not None else _no_marks()
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, *marks)


def _joined(first: yaml.Node, second: yaml.Node) -> yaml.Node:
    if isinstance(first, yaml.MappingNode) and isinstance(second, yaml.MappingNode):
        return merged(first, list(second.value))
    if isinstance(first, yaml.SequenceNode) and isinstance(second, yaml.SequenceNode):
        both = [*first.value, *second.value]
        return yaml.SequenceNode(first.tag, both, first.start_mark, first.end_mark)
    return first


def built(value: Any) -> yaml.Node:
    """Plain values as nodes."""
    text = yaml.safe_dump(value, sort_keys=False)
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return yaml.ScalarNode("tag:yaml.org,2002:null", "") if node is None else node


def _no_marks() -> tuple[yaml.Mark, yaml.Mark]:
    nowhere = built("").start_mark
    return nowhere, nowhere
