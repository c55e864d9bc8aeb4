"""Which rules were looked at and what they saw: kept in few bytes, told in full.

Rules are counted through the document: the first rule of the first policy is 0. What is kept names
them by number; together with the document they were part of, that is the whole trace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from ratelord_core.model.config import Document, PolicyConfig
from ratelord_core.model.decision import TraceStep
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.policy import lexer
from ratelord_core.policy.variables import VARIABLES

OUTSIDE = "w"
"""Marks a rule that was outside its time window."""
HELD = "!"
"""Marks a rule whose condition held."""

ASKED: Final[Mapping[str, Callable[[Dimensions, str], str]]] = {
    "intent.agent_id": lambda who, _: who.agent_id,
    "intent.identity_id": lambda who, _: who.identity_id,
    "intent.workload_id": lambda who, _: who.workload_id,
    "intent.scope_id": lambda who, _: who.scope_id,
    "intent.urgency": lambda _, urgency: urgency,
    "agent.id": lambda who, _: who.agent_id,
    "identity.id": lambda who, _: who.identity_id,
    "scope.id": lambda who, _: who.scope_id,
}
"""Values that the question itself names, so that they need not be kept beside it."""

_PART = re.compile(r"(\d+)(?:-(\d+))?([!w]?)(?:@(.*))?")
_MEANING = {OUTSIDE: "outside its time window"}


class Look(NamedTuple):
    """A glance at one rule; ``focus`` is the pool that its policy means, "" = the tightest."""

    number: int
    mark: str = ""
    focus: str = ""


def pack(looks: Iterable[Look]) -> str:
    """Looks in order, runs of plain ones as ranges: ``0-4,5w,6!@github-main/core``."""
    parts: list[str] = []
    start = last = -2
    for number, mark, focus in looks:
        plain = not mark and not focus
        if plain and number == last + 1:
            last = number
            parts[-1] = f"{start}-{number}"
            continue
        start = last = number if plain else -2
        parts.append(f"{number}{mark}{'@' + focus if focus else ''}")
    return ",".join(parts)


def unpack(packed: str) -> Iterator[Look]:
    """What was packed."""
    for part in packed.split(",") if packed else ():
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} names no rule that was looked at")
        first, last, mark, focus = match.groups("")
        for number in range(int(first), int(last or first) + 1):
            yield Look(number, mark, focus)


def input_name(name: str, focus: str) -> str:
    """What a value is called among those that were seen."""
    return f"{focus} {name}" if focus else name


def asked(who: Dimensions, urgency: str) -> dict[str, str]:
    """The values that a question names."""
    return {name: read(who, urgency) for name, read in ASKED.items()}


def told(
    document: Document, looked: str, held: Mapping[str, str], saw: Mapping[str, Any]
) -> tuple[TraceStep, ...]:
    """Every rule that was looked at, in order, with the values that it saw."""
    rules = [(policy, index) for policy in document.policies for index in range(len(policy.rules))]
    return tuple(
        _step(*rules[look.number], look, held.get(str(look.number), ""), saw)
        for look in unpack(looked)
        if look.number < len(rules)
    )


def _step(
    policy: PolicyConfig, index: int, look: Look, reason: str, saw: Mapping[str, Any]
) -> TraceStep:
    rule = policy.rules[index]
    outside = look.mark == OUTSIDE
    names = () if outside else lexer.used(lexer.to_cel(rule.condition), VARIABLES)
    seen = {}
    for name in names:
        kept = name if name in ASKED else input_name(name, look.focus)
        if kept in saw:  # what need not be known to see that a rule does not hold was not read
            seen[name] = saw[kept]
    return TraceStep(
        policy.id,
        rule.name,
        index,
        _level(policy.scope),
        rule.condition,
        seen,
        look.mark == HELD,
        rule.action,
        reason or _MEANING.get(look.mark, ""),
    )


def _level(scope: str) -> str:
    kind = scope.partition(":")[0]
    if kind == "pool":
        return "pool"
    return "identity/agent" if kind in {"identity", "agent"} else scope
