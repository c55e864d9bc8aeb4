"""Answers that a repeated question must get again: idempotency keys of the last day."""

from __future__ import annotations

from collections import deque
from hashlib import sha256
from struct import Struct
from typing import Final

import msgspec

from ratelord_core.model.ids import uuid_bytes, uuid_text
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent

_encode = msgspec.json.Encoder(order="sorted").encode
_PACKED: Final = Struct("<8s16sqq")
_SINCE: Final = Struct("<q")
_ENDLESS: Final = -1


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A keyed question that was answered: its digest, the intent, until when it may be acted on
    (None: a denial, which has no end)."""

    body: str
    intent_id: str
    valid_until: Micros | None


class Answers:
    """First answers by digest of (agent, key), kept for a fixed time.

    There may be a million of them, so each is 40 bytes beside its digest: the question's digest,
    the intent, until when, and since when.
    """

    def __init__(self) -> None:
        self._by_key: dict[bytes, bytes] = {}
        self._order: deque[bytes] = deque()

    def find(self, key: str) -> Answer | None:
        """The first answer to a key."""
        kept = self._by_key.get(bytes.fromhex(key))
        if kept is None:
            return None
        body, intent_id, until, _ = _PACKED.unpack(kept)
        return Answer(body.hex(), uuid_text(intent_id), None if until == _ENDLESS else until)

    def remember(self, key: str, answer: Answer, now: Micros) -> None:
        """Keep an answer."""
        until = _ENDLESS if answer.valid_until is None else answer.valid_until
        digest = bytes.fromhex(key)
        self._by_key[digest] = _PACKED.pack(
            bytes.fromhex(answer.body), uuid_bytes(answer.intent_id), until, now
        )
        self._order.append(digest)

    def forget(self, before: Micros) -> None:
        """Let go of what is older."""
        order = self._order
        while order:
            kept = self._by_key.get(order[0])
            if (
                kept is not None
                and _SINCE.unpack_from(kept, _PACKED.size - _SINCE.size)[0] >= before
            ):
                return
            self._by_key.pop(order.popleft(), None)

    def __len__(self) -> int:
        return len(self._by_key)


def key_digest(agent_id: str, key: str) -> str:
    """A key as it is logged: 128 bits in hex, the key itself stays out of the log."""
    return sha256(f"{agent_id}\0{key}".encode()).hexdigest()[:32]


def body_digest(intent: Intent) -> str:
    """The question as it is compared: 64 bits in hex over everything but key, debug and context.
    However it was written (defaults left out or not, 1 or 1.0), the same question has the same
    digest."""
    asked = msgspec.structs.asdict(intent) | {"idempotency_key": None, "debug": False}
    for name in ("run", "task"):  # the questions of those who name none stay what they were
        if not asked[name]:
            del asked[name]
    del asked["context"]
    asked["costs"] = {pool: float(cost) for pool, cost in intent.costs.items()}
    if intent.expected_cost is not None:
        asked["expected_cost"] = float(intent.expected_cost)
    return sha256(_encode(asked)).hexdigest()[:16]
