"""JSON Schemas of our records, as small as a model's context deserves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

_NOISE: Final = frozenset(
    {
        *("title", "default", "$defs", "description", "examples", "format", "pattern"),
        *("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"),
        *("maxProperties", "propertyNames"),
    }
)
"""What costs a model's attention and helps it little: a value out of bounds is refused with the
bounds, and what a tool is for stands in its hints."""
_VALUES: Final = "additionalProperties"


def input_schema(
    kind: type[msgspec.Struct], hints: Mapping[str, str], offers: Sequence[str] = ()
) -> dict[str, Any]:
    """The schema of a tool's arguments: closed, null left out (an absent field says the same), and
    what the values of a map are left to its hint, if it has one."""
    schema = lean_schema(kind)
    shown = offers or tuple(schema["properties"])
    properties = {name: _typed(_without_null(schema["properties"][name])) for name in shown}
    for name, hint in hints.items():
        told = {key: part for key, part in properties[name].items() if key != _VALUES}
        properties[name] = {**told, "description": hint}
    closed = {"type": "object", "properties": properties, "additionalProperties": False}
    required = [name for name in schema.get("required", ()) if name in properties]
    return {**closed, "required": required} if required else closed


def output_schema(kind: type[msgspec.Struct], left_out: Sequence[str] = ()) -> dict[str, Any]:
    """The schema of a tool's result: its fields and their types, and no more.

    Models pay for every byte of it and hardly ever look: that every field is always there, and what
    lists and texts may hold, is said in the reference instead. Open, as replies of HTTP are: fields
    may be added.
    """
    properties = lean_schema(kind)["properties"].items()
    parts = {name: _outline(part) for name, part in properties if name not in left_out}
    return {"type": "object", "properties": parts}


def _outline(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": schema.get("type", "string")}


def lean_schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """A record's schema with its parts in place: names, types and choices."""
    (top,), parts = msgspec.json.schema_components((kind,), ref_template="{name}")
    lean: dict[str, Any] = _lean(top, parts)
    return lean


def _lean(schema: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_lean(part, parts) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _lean(parts[schema["$ref"]], parts)
    if "properties" in schema:
        return _lean_object(schema, parts)
    kept = {key: _lean(part, parts) for key, part in schema.items() if key not in _NOISE}
    return _joined(kept["anyOf"]) if "anyOf" in kept else kept


def _lean_object(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: _lean(part, parts) for name, part in schema["properties"].items()}
    lean: dict[str, Any] = {"type": "object", "properties": properties}
    if schema.get("required"):
        lean["required"] = schema["required"]
    return {**lean, "additionalProperties": False}


def _joined(options: list[dict[str, Any]]) -> dict[str, Any]:
    """``anyOf`` of plain types as one list of types."""
    if any(option.keys() != {"type"} for option in options):
        return {"anyOf": options}
    return {"type": [option["type"] for option in options]}


def _typed(schema: dict[str, Any]) -> dict[str, Any]:
    """Choices say that they are texts; not every client infers it."""
    return {"type": "string", **schema} if "enum" in schema else schema


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("additionalProperties"), dict):
        return {"type": "object"}  # a map by name; what its values are, the hint says
    if "properties" in schema:
        properties = schema["properties"].items()
        return {**schema, "properties": {name: _typed(_without_null(p)) for name, p in properties}}
    if "items" in schema:
        return {**schema, "items": _without_null(schema["items"])}
    if isinstance(schema.get("type"), list):
        kinds = [kind for kind in schema["type"] if kind != "null"]
        return {**schema, "type": kinds[0] if len(kinds) == 1 else kinds}
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option != {"type": "null"}]
        return _map(options[0]) if len(options) == 1 else {**schema, "anyOf": options}
    return schema


def _map(schema: dict[str, Any]) -> dict[str, Any]:
    """A map whose values are of several kinds is told as a map: what is in it, the hint says."""
    values = schema.get("additionalProperties")
    mixed = isinstance(values, dict) and isinstance(values.get("type"), list)
    return {"type": "object"} if mixed else schema
