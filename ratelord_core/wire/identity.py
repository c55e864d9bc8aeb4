"""Registering and changing identities, as strangers ask for it. No message repeats a secret."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ratelord_core.errors import FieldError
from ratelord_core.model.identity import Identity, Role
from ratelord_core.model.instant import Micros, from_seconds
from ratelord_core.tokens import SHORTEST
from ratelord_core.wire.faults import (
    Faults,
    check_id,
    check_map,
    check_provider,
    check_text,
    refuse,
)
from ratelord_core.wire.fields import Id, LongText, Pairs, ProviderId, Text

SECRET_SCHEMES: Final = ("env:", "file:", "keyring:")
"""Where a provider's secret may lie; the secret itself is never sent."""
LONGEST_TOKEN: Final = 512
LONGEST_OVERLAP: Final = 30 * 86_400.0
"""Seconds that two tokens of one identity may both be good."""
Token = Annotated[
    str,
    Meta(
        extra_json_schema={
            "pattern": "^[!-~]+$",
            "minLength": SHORTEST,
            "maxLength": LONGEST_TOKEN,
            "writeOnly": True,
        }
    ),
]
SecretRef = Annotated[
    str, Meta(extra_json_schema={"pattern": "^(env|file|keyring):[ -~]+$", "maxLength": 1024})
]


class RegisterRequest(msgspec.Struct, frozen=True):
    """The body of a registration; ``token`` None lets the daemon make one."""

    identity_id: Annotated[Id, Meta(description="its name from now on")]
    kind: Annotated[Text | None, Meta(description="user, service (default), bot …")] = None
    provider_id: Annotated[ProviderId | None, Meta(description="the provider that charges it")] = (
        None
    )
    owner: Text | None = None
    owner_kind: Annotated[Text | None, Meta(description="`agent` ties it to one agent")] = None
    labels: Pairs | None = None
    metadata: Pairs | None = None
    token: Annotated[
        Token | None, Meta(description="its bearer token here; one is made if absent")
    ] = None
    role: Annotated[Role | None, Meta(description="default `agent`")] = None
    credential_kind: Text | None = None
    secret_ref: Annotated[
        SecretRef | None, Meta(description="where the provider's secret lies; never the secret")
    ] = None
    trust_level: Text | None = None
    allowed_agents: Annotated[
        list[Id] | None, Meta(description="who may use it; empty means everybody")
    ] = None
    provider_refs: Pairs | None = None


class RotateRequest(msgspec.Struct, frozen=True):
    """The body of a rotation; all of it may be left out."""

    token: Annotated[
        Token | None, Meta(description="the new bearer token; one is made if absent")
    ] = None
    secret_ref: Annotated[
        SecretRef | None, Meta(description="where the provider's new secret lies")
    ] = None
    overlap_seconds: Annotated[
        float | None,
        Meta(
            description="how long the old token stays good; 0 (default) ends it at once",
            extra_json_schema={"minimum": 0, "maximum": LONGEST_OVERLAP},
        ),
    ] = None


class ChangeRequest(msgspec.Struct, frozen=True):
    """The body of a revocation, quarantine or restoration: why."""

    reason: Annotated[LongText | None, Meta(description="why")] = None


def identity_of(asked: RegisterRequest, now: Micros) -> Identity:
    """The identity to be registered, checked; ``InvalidRequest`` with every field that is wrong."""
    refuse(_register_faults(asked))
    return Identity(
        identity_id=asked.identity_id,
        kind=asked.kind or "service",
        provider_id=asked.provider_id,
        credential_kind=asked.credential_kind,
        owner=asked.owner,
        owner_kind=asked.owner_kind,
        secret_ref=asked.secret_ref,
        role=asked.role or "agent",
        trust_level=asked.trust_level,
        allowed_agents=tuple(asked.allowed_agents or ()),
        labels=asked.labels or {},
        metadata=asked.metadata or {},
        provider_refs=asked.provider_refs or {},
        created_at=now,
    )


def check_rotation(asked: RotateRequest) -> None:
    """Raise ``InvalidRequest`` if the token or the reference cannot be used."""
    faults: Faults = []
    _check_token(faults, asked.token)
    _check_secret_ref(faults, asked.secret_ref)
    overlap = asked.overlap_seconds
    if overlap is not None and not 0 <= overlap <= LONGEST_OVERLAP:
        rule = f"is not a number of seconds from 0 to {LONGEST_OVERLAP:.0f}"
        faults.append(FieldError("overlap_seconds", f"{overlap:.17g} {rule}"))
    refuse(faults)


def overlap_of(asked: RotateRequest) -> Micros:
    """How long the old token stays good; ``check_rotation`` has looked at it."""
    return from_seconds(asked.overlap_seconds or 0)


def reason_of(asked: ChangeRequest) -> str:
    """Why, checked; empty if nobody said."""
    faults: Faults = []
    check_text(faults, "reason", asked.reason, 1024)
    refuse(faults)
    return asked.reason or ""


def _register_faults(asked: RegisterRequest) -> Faults:
    faults: Faults = []
    check_id(faults, "identity_id", asked.identity_id)
    if asked.identity_id.startswith("sentinel:"):
        faults.append(FieldError("identity_id", "names beginning with sentinel: are the daemon's"))
    check_provider(faults, "provider_id", asked.provider_id)
    for field in ("kind", "owner", "owner_kind", "credential_kind", "trust_level"):
        check_text(faults, field, getattr(asked, field))
    for field in ("labels", "metadata", "provider_refs"):
        check_map(faults, field, getattr(asked, field))
    for agent in asked.allowed_agents or ():
        check_id(faults, "allowed_agents", agent)
    _check_token(faults, asked.token)
    _check_secret_ref(faults, asked.secret_ref)
    return faults


def _check_token(faults: Faults, token: str | None) -> None:
    if token is None:
        return
    if not (1 <= len(token) <= LONGEST_TOKEN and token.isascii() and token.isprintable()):
        faults.append(FieldError("token", f"takes 1 to {LONGEST_TOKEN} visible ASCII characters"))
    elif " " in token:
        faults.append(FieldError("token", "holds a space; a bearer token has none"))


def _check_secret_ref(faults: Faults, reference: str | None) -> None:
    if reference is None:
        return
    if not reference.startswith(SECRET_SCHEMES):
        faults.append(
            FieldError(
                "secret_ref",
                "says where the secret lies: env:NAME, file:PATH or keyring:SERVICE/NAME",
            )
        )
    check_text(faults, "secret_ref", reference, 1024)
