"""The simplest actions that every policy file may name: approve, warn, defer, deny."""

from __future__ import annotations

import msgspec

from ratelord_actions.spans import Seconds
from ratelord_core.model.instant import from_seconds
from ratelord_core.policy.action import Approve, Deny, Effect, WaitForReset, Warn
from ratelord_core.policy.situation import Situation


class NoParams(msgspec.Struct, frozen=True):
    """Nothing to say."""


class WarnParams(msgspec.Struct, frozen=True):
    """``message`` is the sentence that the asker reads."""

    message: str = ""


class DeferParams(msgspec.Struct, frozen=True):
    """``jitter_max_seconds`` spreads those who wait for the same reset."""

    jitter_max_seconds: Seconds = 0.0
    reason: str = ""


class DenyParams(msgspec.Struct, frozen=True):
    """``reason`` is what the asker reads, ``retry_after_seconds`` says when to ask again."""

    reason: str = ""
    retry_after_seconds: Seconds | None = None


class ApproveAction:
    """Ends its level: the rules below it there are not looked at."""

    name = "approve"
    params: type[msgspec.Struct] = NoParams

    def apply(self, params: NoParams, situation: Situation) -> Effect:
        return Approve()


class WarnAction:
    """Lets pass, with a sentence."""

    name = "warn"
    params: type[msgspec.Struct] = WarnParams

    def apply(self, params: WarnParams, situation: Situation) -> Effect:
        return Warn(params.message)


class DeferAction:
    """Makes the asker wait for the reset of the pool in question."""

    name = "defer"
    params: type[msgspec.Struct] = DeferParams

    def apply(self, params: DeferParams, situation: Situation) -> Effect:
        return WaitForReset(from_seconds(params.jitter_max_seconds), params.reason)


class DenyAction:
    """Says no."""

    name = "deny"
    params: type[msgspec.Struct] = DenyParams

    def apply(self, params: DenyParams, situation: Situation) -> Effect:
        later = params.retry_after_seconds
        return Deny(params.reason, None if later is None else from_seconds(later))
