"""A plain value as a request, and when it is not one, what is wrong with it, field by field."""

from __future__ import annotations

import re
import typing
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec

from ratelord_core.errors import FieldError, InvalidRequest
from ratelord_core.wire.faults import invalid, shown

Request = TypeVar("Request", bound=msgspec.Struct)
_MISMATCH: Final = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`")
_JSON_NAMES: Final = {
    "str": "a text",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
}


def sift(tree: Any, kind: type[Request], unknown: list[str], prefix: str = "") -> Request:
    """A plain value as a request; adds the names of unknown fields to ``unknown``.

    Raises ``InvalidRequest`` with every field that is missing or of a wrong type.
    """
    if not isinstance(tree, dict):
        if prefix:
            raise invalid((FieldError(prefix, "not a JSON object"),))
        raise InvalidRequest("the body is not a JSON object")
    dot = f"{prefix}." if prefix else ""
    fields = _fields(kind)
    unknown += [dot + name for name in tree if name not in fields]
    try:
        return msgspec.convert(tree, kind)
    except (msgspec.ValidationError, ValueError, RecursionError):
        found = (_fault(tree, field, dot) for field in fields.values())
        faults = tuple(fault for fault in found if fault is not None)
        if not faults:
            raise
    raise invalid(faults)


@lru_cache(maxsize=64)  # looked up anew, they are most of what a batch of mistakes costs
def _fields(kind: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.name: field for field in msgspec.structs.fields(kind)}


def _fault(tree: dict[str, Any], field: msgspec.structs.FieldInfo, dot: str) -> FieldError | None:
    if field.name not in tree:
        return FieldError(dot + field.name, "is required") if field.required else None
    try:
        msgspec.convert(tree[field.name], field.type)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        said = str(error).partition(" - at ")[0]
        return FieldError(dot + field.name, _reworded(said, tree[field.name], field.type))
    return None


def _reworded(said: str, value: Any, kind: Any) -> str:
    """msgspec's complaint in the words of JSON, with the next step."""
    mismatch = _MISMATCH.fullmatch(said)
    if mismatch:
        wanted = (_JSON_NAMES.get(name, name) for name in mismatch["wanted"].split(" | "))
        got = _JSON_NAMES.get(mismatch["got"], mismatch["got"])
        return f"takes {' or '.join(wanted)}, not {got}"
    if said.startswith("Invalid enum value") and isinstance(value, str):
        return f"{shown(value)} is not one of {', '.join(_choices(kind))}"
    return said


def _choices(kind: Any) -> list[str]:
    """The texts that a type names, looked for in the members of a union too."""
    parts = typing.get_args(kind)
    if typing.get_origin(kind) is typing.Literal:
        return [str(part) for part in parts]
    return [choice for part in parts for choice in _choices(part)]
