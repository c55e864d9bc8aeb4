"""The bytes of a policy file as a tree of nodes that know their place; hostile files stop here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from ratelord_core.errors import Finding

MAX_BYTES = 4 << 20
MAX_NODES = 400_000
MAX_DEPTH = 40

_PAIR = re.compile(r"(?<!\\)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value")
)


class UnreadableError(Exception):
    """The file is no tree; carries the one finding that says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def decode(text: str | bytes) -> str:
    """The text of a file: UTF-8, with or without a byte order mark, at most 4 MiB."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        raise UnreadableError(
            Finding(
                f"the file has {len(raw)} bytes; at most {MAX_BYTES} are read",
                1,
                1,
                hint="move what several rules share into one policy",
            )
        )
    try:
        return _joined(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        raise UnreadableError(
            Finding(message, line, column, hint="save the file as UTF-8")
        ) from None


def _joined(text: str) -> str:
    """JSON may write a character as two escaped halves, which YAML does not know."""
    if not text.lstrip().startswith("{"):
        return text
    return _PAIR.sub(lambda pair: f"\\U{_code_point(pair):08x}", text)


def _code_point(pair: re.Match[str]) -> int:
    high, low = int(pair[1], 16), int(pair[2], 16)
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)


def compose(text: str) -> yaml.Node | None:
    """The tree of one YAML or JSON document; None if it is empty.

    Raises ``UnreadableError`` for what is no such document, nests too deep, holds too much, or
    grows too large by its aliases.
    """
    try:
        repeats = _check_shape(text)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.reader.ReaderError as error:
        raise UnreadableError(_unprintable(text, error)) from None
    except yaml.MarkedYAMLError as error:
        raise UnreadableError(_malformed(text, error)) from None
    if root is not None:
        if repeats:
            _check_size(root)
        _check_tags(root)
    return root


def _check_shape(text: str) -> bool:
    """Before there is a tree, which takes hundreds of times the memory of its text. Whether there
    are aliases in it."""
    depth, repeats = 0, False
    for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        if count > MAX_NODES:
            hint = "move what several rules share into one policy"
            message = f"the file holds more than {MAX_NODES} values"
            raise UnreadableError(_found(message, event.start_mark, hint))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                message = f"nested deeper than {MAX_DEPTH} levels"
                raise UnreadableError(_found(message, event.start_mark))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            repeats = True
    return repeats


def _check_size(root: yaml.Node) -> None:
    """Aliases make a small text a large tree, or a deep one: both are measured, not walked."""
    measured: dict[int, tuple[int, int]] = {}
    open_nodes: set[int] = set()

    def measure(node: yaml.Node) -> tuple[int, int]:
        known = measured.get(id(node))
        if known is not None:
            return known
        if id(node) in open_nodes:
            raise UnreadableError(_at(node, "an alias contains itself"))
        open_nodes.add(id(node))
        inner = [measure(child) for child in _children(node)]
        open_nodes.discard(id(node))
        weight = 1 + sum(weight for weight, _ in inner)
        height = 1 + max((height for _, height in inner), default=0)
        if weight > MAX_NODES:
            raise UnreadableError(_at(node, f"aliases repeat this to more than {MAX_NODES} values"))
        if height > MAX_DEPTH + 1:
            message = f"nested deeper than {MAX_DEPTH} levels by aliases"
            raise UnreadableError(_at(node, message))
        measured[id(node)] = weight, height
        return weight, height

    measure(root)


def _check_tags(node: yaml.Node) -> None:
    if node.tag not in _PLAIN_TAGS:
        raise UnreadableError(_at(node, f"tag {node.tag!r} is not read; leave it out"))
    for child in _children(node):
        _check_tags(child)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _at(node: yaml.Node, message: str) -> Finding:
    return _found(message, node.start_mark)


def _found(message: str, mark: Any, hint: str = "") -> Finding:
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return Finding(message, line, column, hint=hint)


def _unprintable(text: str, error: yaml.reader.ReaderError) -> Finding:
    index = next((at for at, char in enumerate(text) if _forbidden(char)), 0)
    line = text.count("\n", 0, index) + 1
    column = index - (text.rfind("\n", 0, index) + 1) + 1
    return Finding(f"the file holds a control character: {error.reason}", line, column)


def _forbidden(char: str) -> bool:
    return (char < " " and char not in "\t\n\r") or char == "\x7f" or "\ud800" <= char <= "\udfff"


def _malformed(text: str, error: yaml.MarkedYAMLError) -> Finding:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    said = ", ".join(part for part in (error.problem, error.context) if part)
    lines = text.splitlines()
    here = lines[line - 1] if 0 < line <= len(lines) else ""
    tab = here[: column + 1].find("\t")
    hint = "indent with spaces, YAML does not take tabs" if tab >= 0 else ""
    return Finding(f"not valid YAML: {said}", line, column, hint=hint)
