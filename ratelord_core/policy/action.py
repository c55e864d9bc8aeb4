"""What a policy action may do: each is a plugin with typed, checked parameters."""

from __future__ import annotations

from typing import Protocol, TypeVar

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


Effect = Approve | Warn | Wait | WaitForReset | Deny

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
