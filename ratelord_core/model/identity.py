"""An identity: the credential that a provider charges, and where its secret can be found."""

from __future__ import annotations

from typing import Literal

import msgspec

from ratelord_core.model.instant import Micros

IdentityStatus = Literal["active", "quarantined", "revoked", "deleted"]
Role = Literal["agent", "viewer", "admin"]


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a credential; never the credential.

    ``secret_ref`` says where the provider's secret lies (``env:NAME``, ``file:PATH``,
    ``keyring:SERVICE/NAME``). ``token_hash`` is the salted hash of the identity's own bearer token
    for this daemon; the token before it is good until ``old_token_until``. ``allowed_agents``
    empty means every agent.
    """

    identity_id: str
    kind: str = "service"
    status: IdentityStatus = "active"
    provider_id: str | None = None
    credential_kind: str | None = None
    owner: str | None = None
    owner_kind: str | None = None
    secret_ref: str | None = None
    token_hash: str | None = None
    token_fingerprint: str | None = None
    old_token_hash: str | None = None
    old_token_fingerprint: str | None = None
    old_token_until: Micros = 0
    role: Role = "agent"
    trust_level: str | None = None
    allowed_agents: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    metadata: dict[str, str] = {}
    provider_refs: dict[str, str] = {}
    created_at: Micros = 0
