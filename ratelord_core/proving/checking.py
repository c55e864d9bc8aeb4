"""Holds an answer against what was expected of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from ratelord_core.model.decision import Decision
from ratelord_core.model.instant import SECOND
from ratelord_core.proving.reading_expected import DECISIONS
from ratelord_core.proving.terms import Between, Check
from ratelord_core.wire.decision import modifications_view


class Answer(msgspec.Struct, frozen=True):
    """A decision, and what only the world of the case knows of it."""

    decision: Decision
    identity_id: str
    cost: int | None


def difference(check: Check, answer: Answer) -> str | None:
    """What the answer is instead of what was expected; None if it is as expected."""
    if check.key == "decision":
        got = answer.decision.decision
        return None if got in DECISIONS[check.wanted] else f"{got} ({answer.decision.reason})"
    got = _READ[check.key](answer)
    return None if _fits(check.key, check.wanted, got) else _shown(got)


def wanted_text(wanted: Any) -> str:
    """What was expected, in few words."""
    if isinstance(wanted, Between):
        if wanted.least == wanted.most:
            return f"{wanted.least:g}"
        most = "" if wanted.most == float("inf") else f" and {wanted.most:g} at most"
        return f"{wanted.least:g} at least{most}"
    return _shown(wanted)


def _fits(key: str, wanted: Any, got: Any) -> bool:
    if isinstance(wanted, Between):
        return got is not None and wanted.least - _TINY <= got <= wanted.most + _TINY
    fits = _FITS.get(key)
    if fits is None or wanted is None or got is None:
        return bool(wanted == got)
    return fits(wanted, got)


def _holds_all(wanted: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    return all(got.get(name) == value for name, value in wanted.items())


def _warned(wanted: Sequence[str], got: Sequence[str]) -> bool:
    """Each of them, or none at all if none is wanted."""
    told = all(any(one.lower() in line.lower() for line in got) for one in wanted)
    return told and (bool(wanted) or not got)


_TINY: Final = 1e-9
_FITS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "reason": lambda wanted, got: wanted.lower() in got.lower(),
    "rule": lambda wanted, got: wanted in (got, _name(got)),
    "rules": lambda wanted, got: all(any(x in (one, _name(one)) for one in got) for x in wanted),
    "warnings": _warned,
    "route": _holds_all,
    "holds": _holds_all,
}


def _name(full: str) -> str:
    return full.partition("/")[2]


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(each)}" for key, each in value.items()) or "none"
    return str(value)


def _rule(answer: Answer) -> str | None:
    by = answer.decision.decided_by
    return None if by is None else f"{by.policy_id}/{by.rule}"


def _seconds(span: int | None) -> float | None:
    return None if span is None else span / SECOND


_READ: Final[dict[str, Callable[[Answer], Any]]] = {
    "reason_code": lambda a: a.decision.reason_code,
    "reason": lambda a: a.decision.reason,
    "rule": _rule,
    "rules": lambda a: [f"{s.policy_id}/{s.rule}" for s in a.decision.trace if s.result],
    "wait": lambda a: _seconds(a.decision.modifications.wait if a.decision.allowed else None),
    "retry_after": lambda a: _seconds(a.decision.retry_after),
    "identity": lambda a: a.decision.modifications.identity_switch,
    "route": lambda a: a.decision.modifications.route,
    "protocol": lambda a: a.decision.modifications.protocol_switch,
    "degrade": lambda a: a.decision.modifications.degrade,
    "max_cost": lambda a: a.decision.modifications.max_cost,
    "modifications": lambda a: modifications_view(a.decision.modifications),
    "warnings": lambda a: a.decision.warnings,
    "holds": lambda a: {line.pool: line.units for line in a.decision.holds},
    "cost_microusd": lambda a: a.cost,
}
