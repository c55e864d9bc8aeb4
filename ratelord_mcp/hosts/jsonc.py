"""JSON with comments, changed in place: what is not touched stays as it was, byte for byte."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

_SPACE: Final = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_SCALAR: Final = re.compile(r"[^\s,\]}/]+")
_DEEPEST: Final = 200


class NotJson(ValueError):
    """A text that cannot be read, and where (1-based)."""

    def __init__(self, text: str, at: int, problem: str) -> None:
        line = text.count("\n", 0, at) + 1
        column = at - (text.rfind("\n", 0, at) + 1) + 1
        super().__init__(f"line {line}, column {column}: {problem}")


class Node(msgspec.Struct):
    """A value between two places of the text; ``members`` if it is an object, with the places
    where their keys begin."""

    start: int
    end: int
    value: Any
    members: dict[str, tuple[int, Node]] | None = None


def read(text: str) -> Node:
    """The one value of a text, which may hold comments and trailing commas."""
    reader = _Reader(text)
    node = reader.value(0)
    end = reader.skip(node.end)
    if end != len(text):
        raise NotJson(text, end, "something follows the end")
    return node


def set_member(text: str, path: Sequence[str], value: Any) -> str:
    """The text with the member at the path set; objects that are missing are made.

    Raises ``NotJson`` for what cannot be read, or if something on the path is no object.
    """
    node = read(text)
    for depth, key in enumerate(path):
        if node.members is None:
            raise NotJson(text, node.start, f"{'.'.join(path[:depth]) or 'the whole'} is no object")
        if key not in node.members:
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value}
            return _inserted(text, node, key, value)
        node = node.members[key][1]
    if node.value == value:
        return text
    return text[: node.start] + _written(text, value, _indent(text, node.start)) + text[node.end :]


def _inserted(text: str, node: Node, key: str, value: Any) -> str:
    members = node.members or {}
    newline = _newline(text)
    outer = _indent(text, node.start)
    if members:
        first = next(iter(members.values()))[0]
        inner = _indent(text, first) if "\n" in text[node.start : first] else outer + _unit(text)
        at = list(members.values())[-1][1].end
        written = f"{json.dumps(key)}: {_written(text, value, inner)}"
        return f"{text[:at]},{newline}{inner}{written}{text[at:]}"
    inner = outer + _unit(text)
    written = f"{json.dumps(key)}: {_written(text, value, inner)}"
    between = text[node.start + 1 : node.end - 1].rstrip()
    opened = f"{text[: node.start + 1]}{between}{newline}{inner}{written}"
    return f"{opened}{newline}{outer}{text[node.end - 1 :]}"


def _written(text: str, value: Any, indent: str) -> str:
    lines = json.dumps(value, indent=_unit(text), ensure_ascii=False).split("\n")
    return (_newline(text) + indent).join(lines)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]


def _unit(text: str) -> str:
    """How this text indents its first level; two spaces if it does not."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    return found.group(1) if found else "  "


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def skip(self, at: int) -> int:
        """Past white space and comments."""
        found = _SPACE.match(self._text, at)
        end = at if found is None else found.end()
        if self._text.startswith("/*", end):
            raise NotJson(self._text, end, "a comment has no end")
        return end

    def value(self, at: int, depth: int = 0) -> Node:
        """The value that begins there, after white space."""
        at = self.skip(at)
        if depth > _DEEPEST:
            raise NotJson(self._text, at, "nested too deeply")
        match self._text[at : at + 1]:
            case "{":
                return self._object(at, depth)
            case "[":
                return self._array(at, depth)
            case '"':
                return self._scalar(at, _STRING)
            case "":
                raise NotJson(self._text, at, "a value is missing")
        return self._scalar(at, _SCALAR)

    def _scalar(self, at: int, pattern: re.Pattern[str]) -> Node:
        found = pattern.match(self._text, at)
        if found is None:
            raise NotJson(self._text, at, "a value is missing")
        try:
            return Node(at, found.end(), json.loads(found.group()))
        except ValueError:
            raise NotJson(self._text, at, f"{found.group()[:40]!r} is no value") from None

    def _object(self, at: int, depth: int) -> Node:
        start, members = at, dict[str, tuple[int, Node]]()
        at = self.skip(at + 1)
        while not self._text.startswith("}", at):
            if not self._text.startswith('"', at):
                raise NotJson(self._text, at, "a name in quotes is missing")
            key = self._scalar(at, _STRING)
            if key.value in members:
                raise NotJson(self._text, at, f"{key.value!r} is there twice")
            colon = self.skip(key.end)
            if not self._text.startswith(":", colon):
                raise NotJson(self._text, colon, "a colon is missing")
            value = self.value(colon + 1, depth + 1)
            members[key.value] = (key.start, value)
            at = self._next(value.end, "}")
        plain = {key: node.value for key, (_, node) in members.items()}
        return Node(start, at + 1, plain, members)

    def _array(self, at: int, depth: int) -> Node:
        start, items = at, list[Any]()
        at = self.skip(at + 1)
        while not self._text.startswith("]", at):
            item = self.value(at, depth + 1)
            items.append(item.value)
            at = self._next(item.end, "]")
        return Node(start, at + 1, items)

    def _next(self, at: int, closing: str) -> int:
        """Where the next member begins, or the end is."""
        at = self.skip(at)
        if self._text.startswith(",", at):
            return self.skip(at + 1)
        if not self._text.startswith(closing, at):
            raise NotJson(self._text, at, f"a comma or {closing} is missing")
        return at
