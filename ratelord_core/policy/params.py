"""A rule's parameters as the struct that its action declares."""

from __future__ import annotations

import re
from typing import Any, get_args, get_type_hints

import msgspec

from ratelord_core.policy.action import PolicyAction
from ratelord_core.policy.reading import nearest

_PLACE = re.compile(r"^(?P<said>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with parameters; ``key`` is the one at fault, "" = all of them."""

    key: str
    message: str
    hint: str = ""


class ParamsError(ValueError):
    """Parameters that an action does not take, with every fault."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


def convert(action: PolicyAction[Any], params: dict[str, Any]) -> msgspec.Struct:
    """The parameters as the action's struct. Raises ``ParamsError``."""
    kind = _kind(action, params)
    known = kind.__struct_encode_fields__
    faults = [
        Fault(key, f"action {action.name!r} has no parameter {key!r}", nearest(key, known))
        for key in params
        if key not in known
    ]
    try:
        converted = msgspec.convert({k: v for k, v in params.items() if k in known}, kind)
    except msgspec.ValidationError as error:
        faults.append(_fault(action, str(error), params))
    if faults:
        raise ParamsError(tuple(faults))
    return converted


def _kind(action: PolicyAction[Any], params: dict[str, Any]) -> type[msgspec.Struct]:
    """The struct of an action's parameters; it may depend on the algorithm that they name."""
    variants: dict[str, type[msgspec.Struct]] = getattr(action, "variants", {})
    algorithm = params.get("algorithm")
    return variants.get(algorithm, action.params) if isinstance(algorithm, str) else action.params


def _fault(action: PolicyAction[Any], error: str, params: dict[str, Any]) -> Fault:
    match = _PLACE.match(error)
    said, path = (match["said"], match["path"] or "") if match else (error, "")
    key = re.split(r"[.\[]", path)[0]
    missing = re.search(r"missing required field `(\w+)`", said)
    if missing and not key:
        return Fault("", f"action {action.name!r} needs the parameter {missing[1]!r}")
    wrong = re.match(r"Invalid enum value '?(.*?)'?$", said)
    if wrong and key:
        allowed = _choices(action, key)
        message = f"{key} {wrong[1]!r} is not available; available: {', '.join(allowed)}"
        return Fault(key, message, nearest(wrong[1], allowed, few=0))
    what = f"parameter {key!r}" if key else "parameters"
    value = params.get(key)
    shown = f"; it is {value!r:.40}" if isinstance(value, str | int | float) else ""
    return Fault(key, f"{what} of action {action.name!r}: {said[:1].lower()}{said[1:]}{shown}")


def _choices(action: PolicyAction[Any], key: str) -> list[str]:
    kind = get_type_hints(action.params).get(key)
    found = [str(choice) for choice in get_args(kind) if choice is not type(None)]
    if key == "algorithm":
        found += getattr(action, "variants", {})
    return sorted(found)
