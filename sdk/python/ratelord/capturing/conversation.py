"""One governed call, without I/O: the question before it, the report after it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ratelord.capturing.speech import Asked, Refusal, Speech, Usage, refusal
from ratelord.decision import Decision, Outcome

MAX_HEARD: Final = 8 * 1024 * 1024
"""Bytes of a response that are kept to look for its usage, and forgotten with the call."""
_LAST: Final = frozenset({"message_stop", "response.completed", "response.incomplete"})
"""Events after which a stream has nothing more to say."""
_MODEL: Final = "x-ratelord-model"
_RATE_WORDS: Final = ("ratelimit", "rate-limit", "retry-after", "api-call-limit", "openai-model")

Decode = Callable[[bytes, str], bytes]
"""Takes raw bytes and their content encoding."""


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
        self.asked: Asked | None = speech.asked(method, path, _json(body))
        self._decision: Decision | None = None
        self._status = 0
        self._headers: dict[str, str] = {}
        self._heard = bytearray()
        self._too_much = False

    def options(self) -> dict[str, Any]:
        """What the question says beside its four ids."""
        asked = self.asked or Asked()
        expected = Usage(asked.tokens_in, 0, asked.tokens_out)
        counts = asked.tokens_in + asked.tokens_out
        return {
            "provider_id": self.names.provider_id,
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

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """The response began."""
        self._status = status
        self._headers = {name.lower(): value for name, value in headers.items()}

    def hear(self, piece: bytes) -> None:
        """Raw bytes of the response that pass by."""
        if len(self._heard) + len(piece) > MAX_HEARD:
            self._too_much = True
            self._heard.clear()
        if not self._too_much:
            self._heard += piece

    def report(self, *, ended: bool, decode: Decode) -> dict[str, Any]:
        """What to report once the response ended, or was given up."""
        pieces, whole = self._pieces(decode)
        ended = ended or whole
        self._heard.clear()
        told = {n: v for n, v in self._headers.items() if any(word in n for word in _RATE_WORDS)}
        if self.asked and self.asked.model:
            told[_MODEL] = self.asked.model
        if self._status == 429:
            told |= self.speech.told(pieces[0] if pieces else None)
            return {"outcome": "rate_limited", "headers": told}
        if 400 <= self._status < 500:
            nothing = Usage().costs(self.names.provider_id)
            return {"outcome": "error", "headers": told, "costs": nothing}
        outcome: Outcome = "success" if ended and self._status < 400 else "error"
        usage = self._usage(pieces, ended=ended)
        costs = usage.costs(self.names.provider_id) if usage else None
        return {"outcome": outcome, "headers": told, "costs": costs}

    def _usage(self, pieces: list[Any], *, ended: bool) -> Usage | None:
        used = self.speech.used(pieces)
        asked, flowed = self.asked, self.speech.flowed(pieces)
        if used is not None and ended:
            return used
        if asked is None or not flowed or self._too_much:
            return None  # what was held is what was used, as far as anybody knows
        if used is not None:
            return Usage(used.fresh, used.cached, max(used.output, flowed))
        return Usage(asked.tokens_in, 0, flowed)

    def _pieces(self, decode: Decode) -> tuple[list[Any], bool]:
        """The JSON of a response, or of the events of its stream; and whether the last of those is
        there, after which many clients read no further."""
        if not self._heard:
            return [], False
        try:
            body = decode(bytes(self._heard), self._headers.get("content-encoding", ""))
        except Exception:  # noqa: BLE001 - libraries raise what they like; a call that ran is no failure
            return [], False
        if "event-stream" not in self._headers.get("content-type", ""):
            whole = _json(body)
            return whole if isinstance(whole, list) else [whole], False
        lines = (line.partition(b":") for line in body.splitlines())
        events = [value.strip() for name, _, value in lines if name == b"data"]
        pieces = [_json(event) for event in events]
        last = pieces[-1] if pieces else None
        kind = last.get("type") if isinstance(last, dict) else None
        return pieces, kind in _LAST or events[-1:] == [b"[DONE]"]


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
