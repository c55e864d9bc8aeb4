"""Registers identities, changes their state, and knows whose token it is."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from ratelord_core.engine.scribe import Scribe
from ratelord_core.engine.state import State
from ratelord_core.errors import Conflict, InvalidRequest, NotFound
from ratelord_core.events.payloads import (
    IdentityQuarantined,
    IdentityRegistered,
    IdentityRestored,
    IdentityRevoked,
    IdentityRotated,
    Payload,
)
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.identity import Identity
from ratelord_core.model.ids import GLOBAL, SYSTEM, Entropy, uuid_text
from ratelord_core.model.instant import Micros
from ratelord_core.tokens import SHORTEST, fingerprint, hash_token, make_token, matches

_CHANGES = {
    "revoke": (("active", "quarantined"), IdentityRevoked),
    "quarantine": (("active",), IdentityQuarantined),
    "restore": (("quarantined",), IdentityRestored),
}


class Registered(msgspec.Struct, frozen=True):
    """A registered (or rotated) identity; ``token`` if it was made here."""

    identity: Identity
    event_id: str
    token: str | None = None


class Registrar:
    """The identities' life: register → rotate* → quarantine/restore → revoke."""

    def __init__(self, state: State, scribe: Scribe, entropy: Entropy) -> None:
        self.state = state
        self.scribe = scribe
        self._entropy = entropy

    def register(self, identity: Identity, token: str | None, now: Micros, door: str) -> Registered:
        """Make an identity known. Without a token, one is made."""
        name = identity.identity_id
        known = self.state.identities.get(name)
        if known is not None and (known.token_hash or known.status != "active"):
            advice = "rotate it for a new token" if known.status == "active" else "use another name"
            raise Conflict(
                f"identity {name} is registered ({known.status}); {advice}",
                code="identity_exists",
            )
        self._must_know_provider(identity)
        given, made = self._token(token, now)
        registered = replace(
            identity if known is None else _completed(identity, known),
            status="active",
            token_hash=hash_token(given, self._entropy),
            token_fingerprint=fingerprint(given),
            created_at=now,
        )
        event_id = self._write(IdentityRegistered(identity=registered), name, now, door)
        return Registered(registered, event_id, made)

    def _must_know_provider(self, identity: Identity) -> None:
        providers = self.state.topology.providers
        if identity.provider_id is not None and identity.provider_id not in providers:
            known = ", ".join(sorted(providers)) or "none"
            raise InvalidRequest(
                f"provider {identity.provider_id} is not configured (configured: {known})",
                code="unknown_provider",
            )

    def rotate(
        self,
        name: str,
        token: str | None,
        secret_ref: str | None,
        now: Micros,
        door: str,
        overlap: Micros = 0,
    ) -> Registered:
        """Give an identity a new token; the old one is worth nothing after ``overlap``."""
        known = self._known(name)
        if known.status == "revoked":
            raise Conflict(f"identity {name} is revoked; register a new one", code="identity_state")
        given, made = self._token(token, now)
        event = IdentityRotated(
            identity_id=name,
            token_hash=hash_token(given, self._entropy),
            token_fingerprint=fingerprint(given),
            secret_ref=secret_ref,
            overlap=overlap,
        )
        event_id = self._write(event, name, now, door)
        return Registered(self._known(name), event_id, made)

    def change(self, name: str, change: str, reason: str, now: Micros, door: str) -> Registered:
        """Revoke, quarantine or restore."""
        if change not in _CHANGES:
            raise InvalidRequest(f"{change} is none of {', '.join(_CHANGES)}")
        known = self._known(name)
        allowed, event_type = _CHANGES[change]
        if known.status not in allowed:
            raise Conflict(
                f"identity {name} is {known.status}; {change} needs it {' or '.join(allowed)}",
                code="identity_state",
            )
        event_id = self._write(event_type(identity_id=name, reason=reason), name, now, door)
        return Registered(self._known(name), event_id)

    def _known(self, name: str) -> Identity:
        known = self.state.identities.get(name)
        if known is None:
            raise NotFound(f"identity {name} is not registered", code="unknown_identity")
        return known

    def _token(self, given: str | None, now: Micros) -> tuple[str, str | None]:
        if given is None:
            made = make_token(self._entropy)
            return made, made
        if len(given) < SHORTEST:
            raise InvalidRequest(
                f"a token needs at least {SHORTEST} characters, this one has {len(given)}",
                code="weak_token",
            )
        if self._holder(given, now) is not None:
            raise Conflict("this token is in use; give another one", code="token_in_use")
        return given, None

    def _write(self, event: Payload, name: str, now: Micros, door: str) -> str:
        event_id = self.scribe.new_id(now)
        who = Dimensions(SYSTEM, name, SYSTEM, GLOBAL)
        self.scribe.write(now, event, who, door=door, event_id=event_id)
        return uuid_text(event_id)

    def owner_of(self, token: str, now: Micros) -> Identity | None:
        """Whose token this is; None if nobody's, or somebody's who is not active."""
        holder = self._holder(token, now)
        return holder if holder is not None and holder.status == "active" else None

    def _holder(self, token: str, now: Micros) -> Identity | None:
        found = None
        for identity in self.state.identities.with_fingerprint(fingerprint(token)):
            if identity.token_hash and matches(token, identity.token_hash):
                found = identity
            old = identity.old_token_hash if now < identity.old_token_until else None
            if old and matches(token, old):
                found = identity
        return found


def _completed(identity: Identity, known: Identity) -> Identity:
    """What is registered, and what the configuration says where the registration is silent."""
    silent = Identity(identity.identity_id)
    kept = {
        name: getattr(known, name)
        for name in Identity.__struct_fields__
        if getattr(identity, name) == getattr(silent, name)
    }
    return replace(identity, **kept)
