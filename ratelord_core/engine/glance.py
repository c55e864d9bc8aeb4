"""What rules read of most intents, without a situation: enough to see that none of them applies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any, Final

from ratelord_core.ledger import Figures
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.intent import Intent
from ratelord_core.policy.gates import Gate
from ratelord_core.policy.index import Level
from ratelord_core.policy.inputs import rounded
from ratelord_core.policy.trace import ASKED

_Read = Callable[[Intent, Figures, Forecast], float | str]


def gates_of(levels: Iterable[Level]) -> tuple[Gate, ...] | None:
    """All gates of these levels, if they are shut or not by what a glance shows; else None."""
    found: list[Gate] = []
    for level in levels:
        if not level.gates:
            return None
        found += level.gates
    return tuple(found) if all(gate.focus is None and gate.name in READ for gate in found) else None


def shown(
    gates: Iterable[Gate], intent: Intent, figures: Figures, outlook: Forecast
) -> dict[str, Any] | None:
    """What rules read before it was clear that none applies, as a trace shows it; None if one of
    them may apply. ``figures`` and ``outlook`` are those of the tightest pool."""
    read: dict[str, float | str] = {}
    for gate in gates:
        value = read[gate.name] = READ[gate.name](intent, figures, outlook)
        if gate.texts is not None:
            if value in gate.texts:
                return None
        elif not gate.least <= value <= gate.most:  # type: ignore[operator] # a number, by its name
            return None
    return {name: rounded(value) for name, value in read.items() if name not in ASKED}


def _remaining(_intent: Intent, figures: Figures, _outlook: Forecast) -> float:
    return inf if figures.limit is None else float(figures.available)


READ: Final[Mapping[str, _Read]] = {
    "remaining": _remaining,
    "pool.remaining": _remaining,
    "risk.p_exhaustion": lambda _intent, _figures, outlook: outlook.p_exhaustion,
    "tte.p50": lambda _intent, _figures, outlook: outlook.tte_p50,
    "tte.p90": lambda _intent, _figures, outlook: outlook.tte_p90,
    "tte.p99": lambda _intent, _figures, outlook: outlook.tte_p99,
    "forecast_tte": lambda _intent, _figures, outlook: outlook.tte_p90,
    "intent.agent_id": lambda intent, _figures, _outlook: intent.agent_id,
    "intent.identity_id": lambda intent, _figures, _outlook: intent.identity_id,
    "intent.workload_id": lambda intent, _figures, _outlook: intent.workload_id,
    "intent.scope_id": lambda intent, _figures, _outlook: intent.scope_id,
    "intent.urgency": lambda intent, _figures, _outlook: intent.urgency,
}
"""By name: the values that most conditions begin with, as conditions see them."""
