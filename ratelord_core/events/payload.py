"""What every record of something that happened is."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Payload(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What happened. ``event_type`` names it on disk and on the wire."""

    event_type: ClassVar[str]
    schema_version: ClassVar[int] = 1
