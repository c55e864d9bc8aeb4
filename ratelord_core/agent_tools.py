"""What an agent's door offers: tools that answer from the arbiter, and resources to be read.

Plain records, so that a plugin can add one without knowing the protocol that carries it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from ratelord_core.arbiter import Arbiter
from ratelord_core.model.caller import Caller

Found = TypeVar("Found")


class ToolCall(msgspec.Struct, frozen=True):
    """One call: the arbiter to ask, who calls, and the arguments as the record the tool takes.

    ``blocking``: the arbiter answers looks over a wire, so that they belong in a thread.
    """

    arbiter: Arbiter
    caller: Caller
    arguments: Any
    blocking: bool = False

    async def look(self, call: Callable[[], Found]) -> Found:
        """What a look at the arbiter finds, without holding up anybody else; cancelled, it is left
        alone: who leaves may have something to say to that arbiter, and little time."""
        if not self.blocking:
            return call()
        from anyio.to_thread import run_sync  # noqa: PLC0415 (only a door to a remote daemon)

        return await run_sync(call, abandon_on_cancel=True)


class Reading(msgspec.Struct, frozen=True):
    """What a resource holds: a record, or text as it is; fresh for ``fresh_seconds``."""

    content: Any
    fresh_seconds: float = 1.0


class AgentResource(msgspec.Struct, frozen=True):
    """Something that agents may read at an address of its own.

    ``uri`` may hold ``{names}`` in place of path segments: ``read`` gets what stands there, percent
    signs decoded. It raises ``errors.NotFound`` for what does not exist.
    """

    uri: str
    name: str
    title: str
    description: str
    read: Callable[[ToolCall], Awaitable[Reading]]
    media_type: str = "application/json"


class AgentTool(msgspec.Struct, frozen=True):
    """A tool that models may call.

    ``takes`` and ``gives`` are frozen records; their schemas are what the model sees, with
    ``hints`` as descriptions of the arguments. ``offers`` names the arguments that are shown, all
    of them if empty; ``token_says`` those that an agent's token answers, should they be left out.
    A refusal that ``run`` raises (``errors.Refused``) reaches the model as one
    line. ``description`` is a prompt: when to call it, and what to do with the answer.
    """

    name: str
    description: str
    takes: type[msgspec.Struct]
    gives: type[msgspec.Struct]
    run: Callable[[Any], Awaitable[Any]]
    title: str = ""
    read_only: bool = True
    idempotent: bool = True
    hints: dict[str, str] = {}
    offers: tuple[str, ...] = ()
    token_says: tuple[str, ...] = ()
