"""Answers that a repeated question must get again: idempotency keys of the last day."""

from __future__ import annotations

from collections import deque
from hashlib import sha256

import msgspec

from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent

_encode = msgspec.json.Encoder(order="sorted").encode


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A keyed question that was answered: its digest, the intent, until when it may be acted on
    (None: a denial, which has no end)."""

    body: str
    intent_id: str
    valid_until: Micros | None


class Answers:
    """First answers by digest of (agent, key), kept for a fixed time."""

    def __init__(self) -> None:
        self._by_key: dict[str, Answer] = {}
        self._order: deque[tuple[Micros, str]] = deque()

    def find(self, key: str) -> Answer | None:
        """The first answer to a key."""
        return self._by_key.get(key)

    def remember(self, key: str, answer: Answer, now: Micros) -> None:
        """Keep an answer."""
        self._by_key[key] = answer
        self._order.append((now, key))

    def forget(self, before: Micros) -> None:
        """Let go of what is older."""
        order = self._order
        while order and order[0][0] < before:
            self._by_key.pop(order.popleft()[1], None)

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
