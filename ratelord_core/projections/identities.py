"""Every identity and its state, folded from the configuration and from identity events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from ratelord_core.events.payloads import IdentityRotated
from ratelord_core.model.identity import Identity, IdentityStatus
from ratelord_core.model.instant import Micros


class Identities:
    """Identities by id; those of the configuration and those registered."""

    def __init__(self) -> None:
        self._known: dict[str, Identity] = {}
        self._active: dict[str, Micros] = {}
        self._by_fingerprint: dict[str, set[str]] = {}

    def get(self, identity_id: str) -> Identity | None:
        """What is known of an identity."""
        return self._known.get(identity_id)

    def __iter__(self) -> Iterator[Identity]:
        return iter(self._known.values())

    def last_active(self, identity_id: str) -> Micros:
        """When it last asked; 0 = never."""
        return self._active.get(identity_id, 0)

    def touch(self, identity_id: str, now: Micros) -> None:
        """It asks now."""
        if identity_id in self._known:
            self._active[identity_id] = now

    def with_fingerprint(self, fingerprint: str) -> Iterable[Identity]:
        """The identities whose token could be the one with this fingerprint."""
        return [self._known[name] for name in sorted(self._by_fingerprint.get(fingerprint, ()))]

    def declare(self, identities: Iterable[Identity], now: Micros) -> None:
        """What the configuration says; the state and token that events gave stay."""
        for declared in identities:
            before = self._known.get(declared.identity_id)
            if before is None:
                self.put(replace(declared, created_at=declared.created_at or now))
                continue
            self.put(
                replace(
                    declared,
                    status=before.status,
                    token_hash=before.token_hash,
                    token_fingerprint=before.token_fingerprint,
                    old_token_hash=before.old_token_hash,
                    old_token_fingerprint=before.old_token_fingerprint,
                    old_token_until=before.old_token_until,
                    role=before.role if before.token_hash else declared.role,
                    secret_ref=declared.secret_ref or before.secret_ref,
                    created_at=before.created_at,
                )
            )

    def put(self, identity: Identity) -> None:
        """Add or replace an identity."""
        before = self._known.get(identity.identity_id)
        for known in () if before is None else _fingerprints(before):
            self._by_fingerprint[known].discard(identity.identity_id)
        self._known[identity.identity_id] = identity
        for known in _fingerprints(identity):
            self._by_fingerprint.setdefault(known, set()).add(identity.identity_id)

    def rotate(self, change: IdentityRotated, at: Micros) -> Identity:
        """Give an identity its new token or secret reference; the token before stays good for the
        overlap, and whatever was before that ends."""
        before = self._known[change.identity_id]
        if change.token_hash:
            before = replace(
                before,
                old_token_hash=before.token_hash if change.overlap else None,
                old_token_fingerprint=before.token_fingerprint if change.overlap else None,
                old_token_until=at + change.overlap if change.overlap else 0,
            )
        after = replace(
            before,
            token_hash=change.token_hash or before.token_hash,
            token_fingerprint=change.token_fingerprint or before.token_fingerprint,
            secret_ref=change.secret_ref or before.secret_ref,
        )
        self.put(after)
        return after

    def turn(self, identity_id: str, status: IdentityStatus) -> Identity:
        """Change an identity's state; an unknown one becomes known by it."""
        before = self._known.get(identity_id) or Identity(identity_id)
        after = replace(before, status=status)
        self.put(after)
        return after


def _fingerprints(identity: Identity) -> list[str]:
    found = (identity.token_fingerprint, identity.old_token_fingerprint)
    return [fingerprint for fingerprint in found if fingerprint]
