"""One governed call, without I/O: the question before it, the report after it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ratelord.capturing.hearing import Hearing
from ratelord.capturing.speech import Asked, Refusal, Speech, Usage, read_json, refusal
from ratelord.decision import Decision, Outcome

_MODEL: Final = "x-ratelord-model"
_RATE_WORDS: Final = ("ratelimit", "rate-limit", "retry-after", "api-call-limit", "openai-model")


class Names(msgspec.Struct, frozen=True):
    """Who asks, for what: the dimensions of every captured call. ``max_wait`` in seconds."""

    provider_id: str
    agent_id: str = ""
    identity_id: str = "sentinel:unknown"
    workload_id: str = "captured_call"
    scope_id: str = "global"
    urgency: str = "normal"
    max_wait: float | None = None

    @property
    def ids(self) -> tuple[str, str, str, str]:
        """The four, ``RATELORD_AGENT_ID`` or a common name for an agent that says none."""
        agent = self.agent_id or os.environ.get("RATELORD_AGENT_ID") or "captured"
        return agent, self.identity_id, self.workload_id, self.scope_id


class Conversation:
    """One call of ``speech``; ``asked`` is None if it is none that counts, and must just pass."""

    def __init__(self, speech: Speech, names: Names, method: str, path: str, body: bytes) -> None:
        self.speech = speech
        self.names = names
        self.asked: Asked | None = speech.asked(method, path, read_json(body))
        self._decision: Decision | None = None
        self._status = 0
        self._headers: dict[str, str] = {}
        self._hearing: Hearing | None = None

    def options(self) -> dict[str, Any]:
        """What the question says beside its four ids."""
        asked = self.asked or Asked()
        expected = Usage(asked.tokens_in, 0, asked.tokens_out)
        counts = asked.tokens_in + asked.tokens_out
        return {
            "provider_id": self.names.provider_id,
            "pool_id": asked.pool or None,
            "model": asked.model or None,
            "costs": expected.costs(self.names.provider_id) if counts else None,
            "urgency": self.names.urgency,
            "max_wait": self.names.max_wait,
        }

    def refused(self, decision: Decision, unapplied: tuple[str, ...]) -> Refusal | None:
        """The "no" to give in place of the call; None if it may go ahead. A change that nobody
        here can apply is a "no", too."""
        self._decision = decision
        if decision.allowed and not unapplied:
            return None
        if decision.allowed:
            reason = f"the answer asks for {', '.join(unapplied)}: {decision.reason}"
            decision = msgspec.structs.replace(
                decision, reason=reason, reason_code="not_applied", allowed=False
            )
        return refusal(self.speech, decision)

    @property
    def intent_id(self) -> str:
        """The intent to report on; "" if nothing is held."""
        return self._decision.intent_id if self._decision and self._decision.allowed else ""

    def answered(self, status: int, headers: Mapping[str, str], *, decoded: bool = False) -> None:
        """The response began; its pieces will be heard as they were sent, or ``decoded``."""
        self._status = status
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._hearing = Hearing(self.speech, self._headers, decoded=decoded)

    def hear(self, piece: bytes) -> None:
        """A piece of the response that passes by."""
        if self._hearing is not None:
            self._hearing.hear(piece)

    def report(self, *, ended: bool) -> dict[str, Any]:
        """What to report once the response ended, or was given up."""
        told = {n: v for n, v in self._headers.items() if any(word in n for word in _RATE_WORDS)}
        if self.asked and self.asked.model:
            told[_MODEL] = self.asked.model
        hearing = self._hearing
        if hearing is None:  # nobody knows whether the provider counted it
            return {"outcome": "error", "headers": told, "costs": None}
        hearing.end()
        if self._refused_for_a_limit:
            return {"outcome": "rate_limited", "headers": told | dict(hearing.told)}
        if 400 <= self._status < 500:
            nothing = Usage().costs(self.names.provider_id)
            return {"outcome": "error", "headers": told, "costs": nothing}
        ended = ended or hearing.whole
        outcome: Outcome = "success" if ended and self._status < 400 else "error"
        usage = self._usage(hearing, ended=ended)
        costs = usage.costs(self.names.provider_id) if usage else None
        return {"outcome": outcome, "headers": told, "costs": costs}

    @property
    def _refused_for_a_limit(self) -> bool:
        """GitHub says 403 where others say 429; a time to come back, or nothing left, tells why."""
        told = self._headers
        limited = "retry-after" in told or told.get("x-ratelimit-remaining") == "0"
        return self._status == 429 or (self._status == 403 and limited)

    def _drew(self, used: Usage) -> bool:
        """Whether pools that a response tells of are the one that was asked for: what comes back
        may be a file, with whatever somebody wrote into it."""
        pool = self.asked.pool if self.asked else ""
        return all(name == pool for name, _ in used.pools)

    def _usage(self, hearing: Hearing, *, ended: bool) -> Usage | None:
        if not hearing.heard:
            return None  # what was held is what was used, as far as anybody knows
        used, flowed = hearing.usage, hearing.flowed
        if used is not None and not self._drew(used):
            used = None
        if used is not None and ended:
            return used
        if self.asked is None or not flowed:
            return None
        if used is not None:
            return Usage(used.fresh, used.cached, max(used.output, flowed))
        return Usage(self.asked.tokens_in, 0, flowed)
