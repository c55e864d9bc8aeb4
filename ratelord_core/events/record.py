"""The stored form of an event, and the chain that proves that nothing was touched.

    digest = SHA-256(salt ‖ event_id ‖ correlation_id ‖ event_type ‖ 0 ‖ ts_ingest ‖ body)
    chain  = SHA-256(previous chain ‖ seq ‖ digest)

The bytes that are hashed are the bytes that are stored, each fact once. The digest itself follows
from them, so it is stored only for an event whose personal fields were erased (and whose bytes
therefore no longer yield it).
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from ratelord_core.model.instant import Micros

GENESIS = bytes(32)
"""The chain before the first event."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One row of the log. ``body`` is canonical JSON: see ``codec``."""

    seq: int
    event_id: bytes
    event_type: str
    ts_ingest: Micros
    correlation_id: bytes
    body: bytes
    salt: bytes
    chain: bytes
    digest: bytes | None = None

    def proof(self) -> bytes:
        """The digest: as kept at erasure, else from the stored bytes."""
        if self.digest is not None:
            return self.digest
        return digest_of(
            self.salt,
            self.event_id,
            self.correlation_id,
            self.event_type,
            self.ts_ingest,
            self.body,
        )


def digest_of(
    salt: bytes,
    event_id: bytes,
    correlation_id: bytes,
    event_type: str,
    ts_ingest: Micros,
    body: bytes,
) -> bytes:
    """SHA-256 over the salted stored bytes of an event."""
    return sha256(
        b"".join(
            (
                salt,
                event_id,
                correlation_id,
                event_type.encode(),
                b"\0",
                ts_ingest.to_bytes(8, "big"),
                body,
            )
        )
    ).digest()


def chain_of(previous: bytes, seq: int, digest: bytes) -> bytes:
    """The link that follows ``previous``."""
    return sha256(previous + seq.to_bytes(8, "big") + digest).digest()
