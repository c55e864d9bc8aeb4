"""Functions that plugins add to conditions: named, typed, without side effects."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any, Final, Literal

import msgspec

Kind = Literal["number", "text", "flag"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TAKEN: Final = frozenset(
    {"size", "matches", "contains", "has", "all", "exists", "map", "filter", "type", "dyn"}
    | {"int", "uint", "double", "string", "bytes", "bool", "duration", "timestamp"}
    | {"true", "false", "null", "in", "and", "or", "not", "exists_one"}
)
_MOST: Final = 4
_TYPES: Final = {"number": ("double", "int"), "text": ("string",), "flag": ("bool",)}


class ConditionFunction(msgspec.Struct, frozen=True):
    """A function that conditions may call by its name: ``takes`` are the kinds of its arguments,
    in order, ``gives`` is the kind of its value, ``doc`` says in a sentence what that is.

    ``call`` gets numbers as floats, texts and flags; the same arguments must always give the same
    value. Whatever it raises, and a value of another kind, leaves the condition without a value,
    which denies. A name or a signature that cannot be is a ``ValueError``.
    """

    name: str
    takes: tuple[Kind, ...]
    gives: Kind
    call: Callable[..., Any]
    doc: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in _TAKEN:
            raise ValueError(f"no condition function can be called {self.name!r}")
        wrong = [kind for kind in (*self.takes, self.gives) if kind not in _TYPES]
        if wrong:
            raise ValueError(f"{self.name}: {wrong[0]!r} is none of {', '.join(_TYPES)}")
        if not 1 <= len(self.takes) <= _MOST:
            raise ValueError(f"{self.name} takes {len(self.takes)} arguments, not 1 to {_MOST}")

    @property
    def signature(self) -> str:
        """``name(number, text) → flag``."""
        return f"{self.name}({', '.join(self.takes)}) → {self.gives}"

    def checked(self, *given: Any) -> Any:
        """Its value for these arguments. Raises ``ValueError`` that names it if it has none."""
        arguments = [
            float(value) if kind == "number" else value
            for kind, value in zip(self.takes, given, strict=True)
        ]
        try:
            value = self.call(*arguments)
        except Exception as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"{self.name}: {said}") from error
        if self.gives == "number" and type(value) in (int, float) and not math.isnan(value):
            return float(value)
        if type(value) is not {"text": str, "flag": bool}.get(self.gives):
            raise ValueError(f"{self.name} gave {value!r}, not a {self.gives}")
        return value

    def overloads(self) -> Iterable[tuple[str, tuple[str, ...]]]:
        """(id, types) of each way to call it: a number may be written as an int or a float."""
        for types in product(*(_TYPES[kind] for kind in self.takes)):
            yield "_".join((self.name, *types)), types

    def declared(self) -> dict[str, Any]:
        """Its declaration for the compiler of conditions."""
        gives = {"type_name": _TYPES[self.gives][0]}
        return {
            "name": self.name,
            "overloads": [
                {"id": way, "return": gives, "args": [{"type_name": one} for one in types]}
                for way, types in self.overloads()
            ],
        }
