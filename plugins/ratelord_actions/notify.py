"""The action that tells the world and leaves the asker alone: notify."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ratelord_actions.spans import Span, micros
from ratelord_core.policy.action import Effect, Notify
from ratelord_core.policy.situation import Situation


class NotifyParams(msgspec.Struct, frozen=True):
    """``message`` is what is told, at most once in ``every``."""

    message: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    every: Span = "1h"

    def __post_init__(self) -> None:
        micros(self.every)


class NotifyAction:
    """Writes an event that whoever follows the log hears of; the answer stays as it is."""

    name = "notify"
    params: type[msgspec.Struct] = NotifyParams

    def apply(self, params: NotifyParams, situation: Situation) -> Effect:
        return Notify(params.message, micros(params.every))
