"""What a policy action may do: each is a plugin with typed, checked parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import msgspec

from ratelord_core.control.pacing import Paced
from ratelord_core.model.instant import Micros
from ratelord_core.model.window import Window
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


class Pace(msgspec.Struct, frozen=True):
    """Not sooner than a delay controller lets it start."""

    paced: Paced
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


class Count(msgspec.Struct, frozen=True):
    """Count the intent in the rule's own cap, which it must fit into.

    The asker is warned once so many percent (``warn_at``) of the cap are taken, and when the cap
    will be used up at least ``warn_before`` µs before its reset at the present pace (None: never).
    """

    warn_at: tuple[float, ...] = ()
    warn_before: Micros | None = None
    reason: str = ""


class Notify(msgspec.Struct, frozen=True):
    """Tell the world, not the asker: an event, at most one every so many µs while it holds."""

    message: str
    every: Micros


Effect = Approve | Warn | Wait | WaitForReset | Pace | Deny | Instead | Count | Notify


class Cap(msgspec.Struct, frozen=True):
    """An amount that a rule brings along: a local pool over the scope of its policy. ``per`` and
    ``reserve`` are as those of a pool."""

    unit: str
    limit: int
    window: Window
    per: str = ""
    reserve: int | None = None


@runtime_checkable
class Capping(Protocol):
    """An action whose rules each bring a cap along. It gives a ``Count`` when it applies."""

    def cap(self, params: Any) -> Cap:
        """The cap of a rule with these parameters."""
        ...


NameKind = Literal["workload", "protocol", "provider", "pool"]


class Named(msgspec.Struct, frozen=True):
    """A name of the policy file that parameters speak of: ``key`` is the parameter it stands in."""

    kind: NameKind
    key: str
    name: str


@runtime_checkable
class Naming(Protocol):
    """An action whose parameters name things of the policy file: those are checked when it is
    read, with file, line, column and the nearest name."""

    def names(self, params: Any) -> Iterable[Named]:
        """What these parameters name."""
        ...


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
