"""A policy that is evaluated beside the one in force, as readers see it."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["off", "starting", "on", "failed"]


class ShadowView(msgspec.Struct, frozen=True):
    """The shadow as readers see it. ``differences`` counts by kind since it began."""

    state: State
    version: str | None = None
    source: str | None = None
    since: str | None = None
    differences: dict[str, int] = {}
    error: str | None = None
