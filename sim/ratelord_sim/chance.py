"""Chance, each actor from a stream of its own: one more agent changes nobody else's luck."""

from __future__ import annotations

import random
from hashlib import sha256


def stream(seed: int, *name: object) -> random.Random:
    """The stream of that name: the same for the same seed, in every process."""
    words = ":".join(str(part) for part in (seed, *name))
    return random.Random(int.from_bytes(sha256(words.encode()).digest()[:8], "big"))
