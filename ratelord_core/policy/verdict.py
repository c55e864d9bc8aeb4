"""What the policy stack makes of one intent, before capacity is looked at."""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord_core.model.decision import DecidedBy
from ratelord_core.model.instant import Micros
from ratelord_core.policy.action import Count, Instead


class Routed(msgspec.Struct, frozen=True, gc=False):
    """A rule that wants it done otherwise, in words and as it says."""

    decided_by: DecidedBy
    effect: Instead
    reason: str


class Notice(msgspec.Struct, frozen=True, gc=False):
    """What a rule wants told, and for how long (µs) that is not to be told again; ``mark`` tells
    apart what one rule has to say of different things."""

    policy_id: str
    rule: str
    action: str
    message: str
    every: Micros
    mark: str = ""


class Counted(msgspec.Struct, frozen=True, gc=False):
    """A rule whose cap counts the intent: the cap's pool, and what the rule says."""

    pool: str
    decided_by: DecidedBy
    effect: Count


class PolicyVerdict(msgspec.Struct, frozen=True, gc=False):
    """The folded effects of all rules that applied.

    ``wait`` is the longest wait asked for (µs from now); ``reset_jitter`` not None means: not
    before the tightest pool's reset, plus at most so much. ``decided_by`` is the rule that denied
    or asked for the longest wait. ``bound`` are the (policy id, rule, action, reason) whose
    condition held; ``instead`` the rules that want it done otherwise, the first one first;
    ``counted`` the rules that count it in a cap of their own, ``notices`` what the world is told.
    ``looked``, ``held`` (reasons by rule number) and ``saw`` (values by name) are the trace, as
    ``trace.told`` reads it.
    """

    denied: bool = False
    reason: str = ""
    wait: Micros = 0
    reset_jitter: Micros | None = None
    retry_after: Micros | None = None
    decided_by: DecidedBy | None = None
    warnings: tuple[str, ...] = ()
    looked: str = ""
    held: dict[str, str] = {}
    saw: dict[str, Any] = {}
    bound: tuple[tuple[str, str, str, str], ...] = ()
    instead: tuple[Routed, ...] = ()
    counted: tuple[Counted, ...] = ()
    notices: tuple[Notice, ...] = ()


PASS = PolicyVerdict()
"""No rule had anything to say."""
