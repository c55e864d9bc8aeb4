"""What an arbiter knows of the daemon around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec

from ratelord_core.errors import Conflict
from ratelord_core.events.envelope import Event
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.proof import Proof, SnapshotView
from ratelord_core.model.views import ProviderHealth
from ratelord_core.plugins import PluginInfo
from ratelord_core.policy.stack import PolicyStack


async def _no_snapshot() -> SnapshotView:
    raise Conflict("this daemon keeps no snapshots", code="no_snapshot")


async def _no_proof(_seq: int, _now: Micros) -> Proof:
    raise Conflict("this daemon has no log to prove", code="no_log")


class Surroundings(msgspec.Struct, frozen=True):
    """The daemon, as questions that the arbiter may ask it."""

    read_policy: Callable[[], PolicyStack]
    check_policy: Callable[[str, str], PolicyStack]
    apply_policy: Callable[[PolicyStack], Awaitable[None]]
    read_headers: Callable[[str, Mapping[str, str], Micros], tuple[Observation, ...] | None]
    """What response headers tell an account; None if nobody has that id."""
    inject: Callable[[str, str, int | None, int | None], None]
    provider_health: Callable[[], Mapping[str, ProviderHealth]]
    identity_changed: Callable[[Identity], Awaitable[None]]
    metrics: Callable[[], str]
    families: Callable[[], Iterable[Any]] = tuple
    """The same metrics, before they are written as text."""
    take_snapshot: Callable[[], Awaitable[SnapshotView]] = _no_snapshot
    prove: Callable[[int, Micros], Awaitable[Proof]] = _no_proof
    """What the log up to a seq proves, and yields at an instant."""
    plugins: tuple[PluginInfo, ...] = ()
    look_back: Callable[[Event, Mapping[str, Micros]], dict[str, Any]] | None = None
    """What would have been enough for a denied question, asked of the state that it met."""
