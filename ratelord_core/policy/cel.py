"""Conditions in CEL: which operators there are, and how the library's errors read in our words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from ratelord_core.policy.function import ConditionFunction
from ratelord_core.policy.variables import VARIABLES

_Type = dict[str, Any]


def _type(name: str, *params: _Type) -> _Type:
    return {"type_name": name, "params": list(params)} if params else {"type_name": name}


_BOOL, _INT, _DOUBLE, _TEXT = _type("bool"), _type("int"), _type("double"), _type("string")
_ANY: _Type = {"type_name": "A", "is_type_param": True}
_OTHER: _Type = {"type_name": "B", "is_type_param": True}
_ORDERED = ("bool", "int", "double", "uint", "string", "bytes", "timestamp", "duration")
_MIXED = ((_DOUBLE, _INT), (_INT, _DOUBLE))

# CEL has no remainder of doubles; our numbers are doubles, so it is given here.
_ALSO_SAME = {"modulo": ((_DOUBLE, _DOUBLE),)}

_COMPARE = {"_<_": "less", "_<=_": "less_equals", "_>_": "greater", "_>=_": "greater_equals"}
_EQUAL = {"_==_": "equals", "_!=_": "not_equals"}
_ARITHMETIC = {"_+_": "add", "_-_": "subtract", "_*_": "multiply", "_/_": "divide"}
_MORE_ARITHMETIC: dict[str, list[tuple[str, _Type, _Type, _Type]]] = {
    "_+_": [
        ("string", _TEXT, _TEXT, _TEXT),
        ("bytes", _type("bytes"), _type("bytes"), _type("bytes")),
        ("list", _type("list", _ANY), _type("list", _ANY), _type("list", _ANY)),
        ("duration_timestamp", _type("timestamp"), _type("duration"), _type("timestamp")),
        ("timestamp_duration", _type("timestamp"), _type("timestamp"), _type("duration")),
        ("duration_duration", _type("duration"), _type("duration"), _type("duration")),
    ],
    "_-_": [
        ("timestamp_timestamp", _type("duration"), _type("timestamp"), _type("timestamp")),
        ("timestamp_duration", _type("timestamp"), _type("timestamp"), _type("duration")),
        ("duration_duration", _type("duration"), _type("duration"), _type("duration")),
    ],
}
# What one Python number does with another is what CEL does with two doubles.
_IMPLEMENTATIONS = {
    "add": lambda left, right: float(left + right),
    "subtract": lambda left, right: float(left - right),
    "multiply": lambda left, right: float(left * right),
    "divide": lambda left, right: left / right,
    "modulo": math.fmod,
}


def new_environment(
    kinds: Mapping[str, str] | None = None, functions: Iterable[ConditionFunction] = ()
) -> Any:
    """A CEL environment that compares and computes int with float. ``kinds`` are its variables:
    number, text, flag, labels, object (of anything); without, those of conditions. ``functions``
    are those of plugins.

    The checker's standard declarations of the operators are replaced by wider ones; the run time
    has the mixed comparisons already, the mixed arithmetic is given here.
    """
    from cel_expr_python import cel  # noqa: PLC0415 (a big native library: only where it is used)

    if kinds is None:
        kinds = {name: variable.kind for name, variable in VARIABLES.items()}
    types = {
        "number": cel.Type.DOUBLE,
        "text": cel.Type.STRING,
        "flag": cel.Type.BOOL,
        "labels": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
        "object": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    }
    operators = _operators()
    more = list(functions)
    config = {
        "stdlib": {"exclude_functions": [{"name": each["name"]} for each in operators]},
        "functions": [*operators, *(one.declared() for one in more)],
    }
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(yaml.safe_dump(config)),
        variables={name: types[kind] for name, kind in kinds.items()},
        function_impls={
            _mixed(name, left, right): implementation
            for name, implementation in _IMPLEMENTATIONS.items()
            for left, right in (*_MIXED, *_ALSO_SAME.get(name, ()))
        }
        | {way: one.checked for one in more for way, _ in one.overloads()},
    )


def _operators() -> list[dict[str, Any]]:
    return [
        *(_operator(op, _comparisons(name)) for op, name in _COMPARE.items()),
        *(_operator(op, _equalities(name)) for op, name in _EQUAL.items()),
        *(_operator(op, _computations(op, name)) for op, name in _ARITHMETIC.items()),
        _operator("_%_", _remainders()),
        _operator(
            "@in",
            [
                ("in_list", _BOOL, _ANY, _type("list", _ANY)),
                ("in_map", _BOOL, _ANY, _type("map", _ANY, _OTHER)),
                *((_mixed("in_list", a, b), _BOOL, a, _type("list", b)) for a, b in _MIXED),
            ],
        ),
        _operator(
            "_?_:_",
            [
                ("conditional", _ANY, _BOOL, _ANY, _ANY),
                *((_mixed("conditional", a, b), _DOUBLE, _BOOL, a, b) for a, b in _MIXED),
            ],
        ),
    ]


def _operator(name: str, overloads: list[tuple[Any, ...]]) -> dict[str, Any]:
    return {
        "name": name,
        "overloads": [
            {"id": overload, "return": result, "args": arguments}
            for overload, result, *arguments in overloads
        ],
    }


def _mixed(name: str, left: _Type, right: _Type) -> str:
    return f"{name}_{left['type_name']}_{right['type_name']}"


def _comparisons(name: str) -> list[tuple[Any, ...]]:
    same = [(f"{name}_{kind}", _BOOL, _type(kind), _type(kind)) for kind in _ORDERED]
    return [*same, *((_mixed(name, a, b), _BOOL, a, b) for a, b in _MIXED)]


def _equalities(name: str) -> list[tuple[Any, ...]]:
    return [(name, _BOOL, _ANY, _ANY), *((_mixed(name, a, b), _BOOL, a, b) for a, b in _MIXED)]


def _computations(operator: str, name: str) -> list[tuple[Any, ...]]:
    same = [(f"{name}_{kind}", _type(kind), _type(kind), _type(kind)) for kind in _NUMBERS]
    mixed = [(_mixed(name, a, b), _DOUBLE, a, b) for a, b in _MIXED]
    more = [(f"{name}_{kind}", *rest) for kind, *rest in _MORE_ARITHMETIC.get(operator, [])]
    return [*same, *mixed, *more]


def _remainders() -> list[tuple[Any, ...]]:
    same = [(f"modulo_{kind}", _type(kind), _type(kind), _type(kind)) for kind in ("int", "uint")]
    pairs = (*_MIXED, *_ALSO_SAME["modulo"])
    return [*same, *((_mixed("modulo", a, b), _DOUBLE, a, b) for a, b in pairs)]


_NUMBERS = ("int", "double", "uint")
_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_TOO_DEEP = re.compile(r"recursion (?:limit|depth)\D*(\d+)")
_OVERLOAD = re.compile(r"found no matching overload for '([^']+)' applied to '(.*)'")
_WORDS = {"double": "number", "int": "number", "uint": "number", "string": "text", "bool": "flag"}


def errors(message: str) -> list[tuple[int, int, str]]:
    """(line, column, what is wrong) of each error in a compiler's message; 1-based."""
    found = [
        (int(line), int(column), _reworded(said)) for line, column, said in _ERROR.findall(message)
    ]
    if found:
        return found
    deep = _TOO_DEEP.search(message)
    said = f"nested deeper than {deep.group(1)} levels" if deep else message.partition("\n")[0]
    return [(1, 1, said)]


def type_in_words(name: str) -> str:
    """A CEL type as the docs call it."""
    if name.startswith("map("):
        return "labels"
    return _WORDS.get(name.lower(), name.lower())


def _reworded(said: str) -> str:
    overload = _OVERLOAD.match(said)
    if overload:
        operator = overload.group(1).replace("_", " ").replace("@", "").strip()
        kinds = re.split(r", (?![^(]*\))", overload.group(2).strip("()"))
        shown = " and ".join(type_in_words(kind) for kind in kinds)
        return f"{operator} cannot be applied to {shown}"
    if said.startswith("Syntax error"):
        start = said.partition(" expecting ")[0].replace("Syntax error:", "syntax error:")
        start = start.replace("mismatched input '<EOF>'", "it ends too early")
        return start.replace("'<EOF>'", "the end").removesuffix(" [INVALID_ARGUMENT]")
    return said.removesuffix(" [INVALID_ARGUMENT]")
