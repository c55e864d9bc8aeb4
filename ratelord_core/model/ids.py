"""Names of things: dimension ids, pool keys, and time-ordered unique ids."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Protocol

from ratelord_core.model.instant import Micros

SYSTEM: Final = "sentinel:system"
"""The daemon's own work."""
GLOBAL: Final = "sentinel:global"
"""Everything, where no narrower name applies."""
UNKNOWN: Final = "sentinel:unknown"
"""A dimension nobody named."""
DELETED: Final = "sentinel:deleted"
"""A name erased on request."""

ROOT_SCOPE: Final = "global"
"""The scope that contains every other."""

ID_PATTERN: Final = r"^[A-Za-z0-9._:/@+\-]{1,256}$"
_ID = re.compile(ID_PATTERN)


def is_id(text: str) -> bool:
    """Whether the text may name an agent, identity, workload, scope or pool."""
    return _ID.fullmatch(text) is not None


def pool_key(provider_id: str, pool_id: str) -> str:
    """The one name of a pool: ``provider_id/pool_id``."""
    return f"{provider_id}/{pool_id}"


def split_pool_key(key: str) -> tuple[str, str]:
    """``provider_id`` and ``pool_id`` of a key; provider ids contain no slash."""
    provider_id, _, pool_id = key.partition("/")
    return provider_id, pool_id


class Entropy(Protocol):
    """Where random bytes come from: the system's, or a seeded source in tests and simulations."""

    def random_bytes(self, count: int) -> bytes:
        """That many fresh bytes."""
        ...


def uuid7(now: Micros, entropy: Entropy) -> bytes:
    """A UUIDv7 (RFC 9562) as 16 bytes: millisecond time first, then 74 random bits."""
    random = int.from_bytes(entropy.random_bytes(10), "big") & _RANDOM
    return (now // 1000 << 80 | random | _VERSION).to_bytes(16, "big")


def twin(raw: bytes) -> bytes:
    """The UUID beside a random one: as much one of a kind as that is, and for nothing."""
    return raw[:15] + _BESIDE[raw[15]]


_BESIDE: Final = tuple(bytes((last ^ 1,)) for last in range(256))
_VERSION: Final = 0x7 << 76 | 0b10 << 62
"""Version 7, and the variant, where they stand in a UUID."""
_RANDOM: Final = (1 << 80) - 1 ^ (0xF << 76 | 0b11 << 62)
"""The bits that are random."""


@lru_cache(maxsize=64)  # a decision writes its intent's id three times
def uuid_text(raw: bytes) -> str:
    """The canonical, dashed form of 16 bytes."""
    h = raw.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def uuid_bytes(text: str) -> bytes:
    """The 16 bytes of a dashed or plain hexadecimal UUID; anything else is a ``ValueError``."""
    raw = bytes.fromhex(text.replace("-", ""))
    if len(raw) != 16:
        raise ValueError(f"{text!r} is not a UUID")
    return raw


def uuid7_millis(raw: bytes) -> int:
    """The millisecond at which a UUIDv7 was made."""
    return int.from_bytes(raw[:6], "big")
