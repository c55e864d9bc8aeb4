"""Says in a decision that it is to be done otherwise, and what else could be done."""

from __future__ import annotations

from msgspec.structs import replace

from ratelord_core.engine.answering import written
from ratelord_core.engine.substitution import Found
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.model.instant import Micros


def otherwise(decided: IntentDecided, found: Found, now: Micros) -> IntentDecided:
    """The decision with the modification that a rule asked for, and with the alternatives."""
    alternatives = tuple(written(each.as_alternative()) for each in found.alternatives)
    first = found.warnings
    if found.by is None:
        return replace(decided, alternatives=alternatives, warnings=first + decided.warnings)
    by = found.by.decided_by
    reason = found.by.reason
    if found.chosen.start > now:
        reason = f"{reason}; {decided.reason}"
    return replace(
        decided,
        decision="approve_with_modifications",
        reason_code="policy",
        reason=reason,
        modifications=found.chosen.modification(),
        decided_by=(by.policy_id, by.rule),
        warnings=tuple(dict.fromkeys(first + decided.warnings)),
        alternatives=alternatives,
    )
