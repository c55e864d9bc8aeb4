"""Lets a human allow once what a rule denied: the rule steps back, the ledger does not."""

from __future__ import annotations

import msgspec

from ratelord_core.engine.negotiator import Negotiator, Repeated
from ratelord_core.engine.scribe import Scribe
from ratelord_core.errors import Conflict
from ratelord_core.events.payloads import PolicyOverridden
from ratelord_core.model.decision import Decision
from ratelord_core.model.ids import uuid_bytes
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent


class Denial(msgspec.Struct, frozen=True):
    """A denied question, with the idempotency key under which its override is remembered, and the
    rule (policy id, name) that denied it, if one did that a human may override."""

    intent_id: str
    intent: Intent
    rule: tuple[str, str] | None
    allowed: bool = False


class Overrider:
    """Decides a denied intent once more, without the rule that denied it."""

    def __init__(self, negotiator: Negotiator, scribe: Scribe) -> None:
        self._negotiator = negotiator
        self._scribe = scribe

    def override(
        self, denial: Denial, by: str, reason: str, now: Micros, door: str
    ) -> Decision | Repeated:
        """The answer without the rule, because ``by`` allows it, under an intent of its own; the
        same one when overridden again. Every other rule and every pool binds as ever. Raises
        ``Conflict`` if there is nothing that a human may override."""
        rule = self._rule(denial)
        decided = self._negotiator.negotiate(denial.intent, now, door, rule)
        if isinstance(decided, Decision):
            event = PolicyOverridden(
                policy_id=rule[0],
                rule=rule[1],
                by=by,
                reason=reason,
                decided=decided.intent_id,
                allowed=decided.allowed,
            )
            about = uuid_bytes(denial.intent_id)
            self._scribe.write(now, event, denial.intent.dimensions, door=door, intent_id=about)
        return decided

    def _rule(self, denial: Denial) -> tuple[str, str]:
        if denial.allowed:
            raise Conflict(
                f"intent {denial.intent_id} was approved; there is nothing to override",
                code="not_denied",
            )
        if denial.rule is None:
            raise Conflict(
                f"intent {denial.intent_id} was not denied by a rule that is overridable; "
                "no human may allow what a limit or another rule forbids",
                code="not_overridable",
            )
        if not self._negotiator.policy.is_overridable(*denial.rule):
            policy_id, rule = denial.rule
            raise Conflict(
                f"rule {rule!r} of policy {policy_id!r} is no longer overridable; ask again",
                code="not_overridable",
            )
        return denial.rule
