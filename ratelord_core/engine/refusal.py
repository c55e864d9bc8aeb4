"""Denials before any rule is looked at: the identity may not be used."""

from __future__ import annotations

from ratelord_core.engine.state import State
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.model.intent import Intent

_REFUSED = {
    "revoked": ("identity_revoked", "identity {} is revoked: use another or register a new one"),
    "quarantined": ("identity_quarantined", "identity {} is quarantined until it is restored"),
    "deleted": ("identity_revoked", "identity {} was deleted"),
}


def refusal(state: State, intent: Intent) -> IntentDecided | None:
    """The denial of an intent whose identity may not be used; None if it may."""
    identity = state.identities.get(intent.identity_id)
    if identity is None:
        if not state.settings.strict_identities:
            return None
        reason = f"identity {intent.identity_id} is not registered and strict_identities is on"
        return denial("identity_unknown", reason)
    if identity.status != "active":
        code, text = _REFUSED[identity.status]
        return denial(code, text.format(intent.identity_id))
    if identity.allowed_agents and intent.agent_id not in identity.allowed_agents:
        reason = f"agent {intent.agent_id} may not use identity {intent.identity_id}"
        return denial("policy", reason)
    return None


def denial(code: str, reason: str, warnings: tuple[str, ...] = ()) -> IntentDecided:
    """A denial that no rule and no pool decided."""
    return IntentDecided(
        decision="deny_with_reason", reason_code=code, reason=reason, warnings=warnings
    )
