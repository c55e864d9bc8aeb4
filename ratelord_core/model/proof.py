"""What is found when a log is proven, and when a snapshot is taken."""

from __future__ import annotations

import msgspec


class Proof(msgspec.Struct, frozen=True):
    """A log up to the event ``seq``. ``fault`` names the first event that is not what was written;
    nothing further is known then. ``snapshot``: same (perhaps but for what plugins that failed
    remember, which is said), differs, none, or why it is not believed.
    ``figures`` are what the log alone yields, by pool."""

    seq: int
    chain: str
    redacted: int = 0
    fault: str = ""
    snapshot: str = "none"
    snapshot_seq: int = 0
    figures: dict[str, list[int | None]] = {}


class VerifyView(msgspec.Struct, frozen=True):
    """Whether the log is what was written, and yields what the daemon and its snapshot say.

    ``chain`` is the newest link, to be noted elsewhere: a later log that lacks it was cut.
    ``differences`` are sentences, one for each pool about which the daemon says otherwise.
    """

    intact: bool
    events: int
    chain: str
    redacted: int
    fault: str | None
    state: str
    differences: tuple[str, ...]
    snapshot: str
    snapshot_seq: int


class SnapshotView(msgspec.Struct, frozen=True):
    """A snapshot that was taken: the event that it follows, its digest and its size in bytes."""

    seq: int
    digest: str
    bytes: int
    event_id: str
