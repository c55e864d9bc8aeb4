"""What a policy action may do: each is a plugin with typed, checked parameters."""

from __future__ import annotations

from typing import Literal, Protocol, TypeVar

import msgspec

from ratelord_core.model.instant import Micros
from ratelord_core.policy.situation import Situation


class Approve(msgspec.Struct, frozen=True):
    """End this level: nothing below it in the same level is looked at."""


class Warn(msgspec.Struct, frozen=True):
    """Let pass, with a sentence for the asker."""

    message: str


class Wait(msgspec.Struct, frozen=True):
    """Not sooner than so many µs from now."""

    span: Micros
    reason: str = ""


class WaitForReset(msgspec.Struct, frozen=True):
    """Not before the tightest pool's next reset, plus at most ``jitter`` µs."""

    jitter: Micros = 0
    reason: str = ""


class Deny(msgspec.Struct, frozen=True):
    """No. ``retry_after`` (µs) if it is known when asking again makes sense."""

    reason: str
    retry_after: Micros | None = None


WayKind = Literal["identity_switch", "route", "protocol_switch", "degrade", "max_cost"]


class Way(msgspec.Struct, frozen=True):
    """One way to act otherwise. ``name`` is the identity, the protocol or the smaller workload (of
    a ``degrade`` without a name: each that the workload declares); a ``route`` names what it leads
    to, None = as asked; ``most`` is the largest draw of a ``max_cost``."""

    kind: WayKind
    name: str = ""
    provider_id: str | None = None
    pool_id: str | None = None
    model: str | None = None
    weight: float = 1.0
    most: int = 0


class Instead(msgspec.Struct, frozen=True):
    """Act in one of these ways, if it is allowed, evaluated from the top; else as asked. No ways at
    all: as asked.

    ``by`` says which: the most ``headroom`` or the least ``cost``, of these and the way that was
    asked for; by chance, in proportion to each ``weight``, of those that can start soonest; or the
    first in ``order`` that can start no later than what was asked for. ``suggest``: only say so.
    """

    ways: tuple[Way, ...]
    by: Literal["headroom", "cost", "weight", "order"] = "order"
    reason: str = ""
    suggest: bool = False


Effect = Approve | Warn | Wait | WaitForReset | Deny | Instead

Params_contra = TypeVar("Params_contra", bound=msgspec.Struct, contravariant=True)


class PolicyAction(Protocol[Params_contra]):
    """An action that rules may name."""

    name: str
    params: type[msgspec.Struct]
    """A frozen struct; a rule's ``params`` are converted to it when the policy is loaded, so an
    unknown or ill-typed parameter is an error with its place in the file. A ``ValueError`` from
    its ``__post_init__`` is reported likewise."""

    def apply(self, params: Params_contra, situation: Situation) -> Effect:
        """What follows when the rule's condition holds. Pure; an exception denies."""
        ...
