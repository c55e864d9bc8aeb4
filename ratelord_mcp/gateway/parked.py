"""Calls that wait for an answer from the client, between one request and the next.

In the stateless era a server that needs something from the client ends the call with a question,
and the client calls again with the answer. That is one action, asked for and paid for once.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any, Final

import msgspec

from ratelord import Decision
from ratelord_core.model.ids import Entropy
from ratelord_core.tool_mapping import ToolPlan
from ratelord_mcp.gateway.desk import Desk
from ratelord_mcp.gateway.messages import OWN, Message

_MOST: Final = 1000
"""Calls that may wait; of more, the oldest are reported as they are."""


class Waiting(msgspec.Struct, frozen=True):
    """An action that goes on with the next call; ``asked_human``: it was denied, and the human is
    asked; the answer comes with that call."""

    plan: ToolPlan
    decision: Decision
    asked_human: bool = False


class Parked:
    """What is remembered from one call to the next."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._dropped: list[Waiting] = []

    def ticket(self) -> str:
        """A state of our own for the client to bring back; it cannot be guessed."""
        return f"{OWN}{self._entropy.random_bytes(16).hex()}"

    def keep(self, call: Message, state: Any, waiting: Waiting) -> None:
        """Remember under the state that the client will bring back; without one, under the call."""
        self._waiting[_name(call, state)] = waiting
        while len(self._waiting) > _MOST:
            self._dropped.append(self._waiting.popitem(last=False)[1])

    def find(self, call: Message) -> Waiting | None:
        """What this call goes on with; it is then forgotten."""
        if "requestState" not in call.params and "inputResponses" not in call.params:
            return None
        return self._waiting.pop(_name(call, call.params.get("requestState")), None)

    async def settle_all(self, desk: Desk) -> None:
        """Report what never went on: the server may have spent something on it."""
        for waiting in (*self._dropped, *self._waiting.values()):
            if not waiting.asked_human:
                await desk.settle(waiting.decision, "error")


def _name(call: Message, state: Any) -> str:
    what = {"name": call.params.get("name"), "arguments": call.params.get("arguments")}
    return json.dumps([what, state], sort_keys=True)
