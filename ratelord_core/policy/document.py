"""A checked policy document: its version, and its canonical text."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import msgspec

from ratelord_core.errors import Finding, PolicyError
from ratelord_core.model.config import Document

_encode = msgspec.json.Encoder(order="sorted").encode


def canonical(document: Any) -> str:
    """The content of a document, or of a part of one, as JSON with sorted keys: the same text for
    the same meaning, whatever the file's name, layout and comments."""
    return _encode(content(document)).decode()


def version_of(document: Document) -> str:
    """The first 12 hexadecimal digits of the SHA-256 of the canonical text."""
    return hashlib.sha256(_encode(content(document))).hexdigest()[:12]


def from_canonical(text: str, source: str = "the log") -> Document:
    """The document that a canonical text holds; lines and columns of the file are gone.

    Raises ``PolicyError`` if it is no such text.
    """
    try:
        document = msgspec.json.decode(text, type=Document)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise PolicyError(source, [Finding(f"not a logged policy document: {error}")]) from error
    return stamped(document, source)


def stamped(document: Document, source: str) -> Document:
    """The document with its source and version filled in."""
    return msgspec.structs.replace(document, source=source, version=version_of(document))


_NOT_CONTENT = frozenset({"source", "version", "line", "column"})


def content(thing: Any) -> Any:
    """Plain values without what equals its default or only says where something was written.

    ``omit_defaults`` of the encoder compares by identity, so that equal documents could differ.
    """
    if isinstance(thing, msgspec.Struct):
        return {
            field.encode_name: content(value)
            for field in _fields(type(thing))
            if field.name not in _NOT_CONTENT
            and (value := getattr(thing, field.name)) != _default(field)
        }
    if isinstance(thing, dict):
        return {key: content(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [content(item) for item in thing]
    return thing


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default
