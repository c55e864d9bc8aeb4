"""A model's arguments as a record, or every fault in one line."""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord_core.errors import FieldError, InvalidRequest
from ratelord_core.wire.faults import invalid, shown
from ratelord_core.wire.sifting import Request, sift


def read_arguments(given: dict[str, Any], kind: type[Request], offers: tuple[str, ...]) -> Request:
    """The arguments as the record that a tool takes.

    Raises ``InvalidRequest`` that names what is unknown, missing or of a wrong type.
    """
    allowed = offers or tuple(field.name for field in msgspec.structs.fields(kind))
    unknown = [name for name in given if name not in allowed]
    if unknown:
        message = f"is not an argument; it takes {', '.join(allowed)}"
        raise invalid(tuple(FieldError(shown(name), message) for name in unknown[:5]))
    if _holds_nul(given):
        raise InvalidRequest("a text holds NUL (\\u0000); leave it out")
    return sift(given, kind, [])


def _holds_nul(tree: Any) -> bool:
    if isinstance(tree, str):
        return "\0" in tree
    if isinstance(tree, dict):
        return any(_holds_nul(part) for pair in tree.items() for part in pair)
    return isinstance(tree, list) and any(_holds_nul(part) for part in tree)
