"""Rebuilds the state from the log alone, and compares it with what a running daemon says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ratelord_core.cli.outcome import CommandFailed

if TYPE_CHECKING:
    from pathlib import Path

    from ratelord import Client
    from ratelord_core.daemon.rebuilt import Rebuilt
    from ratelord_core.model.proof import Proof
    from ratelord_core.model.views import PoolView
    from ratelord_core.replay import Blank
    from ratelord_core.settings import Settings
    from ratelord_core.store import EventStore

COMPARED = ("limit", "used", "held", "scheduled", "reset_at")
_ATTEMPTS = 5


class Difference(NamedTuple):
    """A number that the log and the daemon disagree about."""

    pool: str
    field: str
    replayed: Any
    live: Any


class Rebuilder:
    """Replays one log; the settings say with which graph and forecast model."""

    def __init__(self, path: Path, store: EventStore, settings: Settings) -> None:
        self._path = path
        self._store = store
        self._settings = settings
        self._blank = _blank(settings)

    def prove(self, *, drop: bool) -> Proof:
        """What the log proves, and what its snapshot yields; ``drop`` then forgets that."""
        from ratelord_core import plugins
        from ratelord_core.clock import SystemClock
        from ratelord_core.daemon.proving import prove
        from ratelord_core.daemon.snapshots import Snapshots

        stores = plugins.load(self._settings.without).named("ratelord_register_stores")
        kept = stores[self._settings.store].open_snapshots(self._path)
        clock = SystemClock(not_before=self._store.head().ts_ingest)
        snapshots = Snapshots(self._store, kept, self._blank, clock)
        proof = prove(self._store, snapshots, self._blank, clock.now())
        if drop and not proof.fault:
            snapshots.drop()
        return proof

    def rebuild(self, up_to: int | None = None) -> Rebuilt:
        """What the log yields, up to and with that seq (None: all of it)."""
        from ratelord_core.clock import SystemClock
        from ratelord_core.daemon.rebuilt import rebuild

        return rebuild(self._store, self._blank, SystemClock().now(), up_to)

    def compare(self, client: Client) -> tuple[Rebuilt, list[Difference]]:
        """What the log yields and where a daemon says otherwise.

        Both are looked at between two events; a daemon that is never quiet for so long is a
        ``CommandFailed``.
        """
        for _ in range(_ATTEMPTS):
            seq = client.health()["seq"]
            rebuilt = self.rebuild(seq)
            live = client.pools()
            if client.health()["seq"] == seq:
                return rebuilt, list(_differences(rebuilt.pools, live))
        raise CommandFailed("the daemon is too busy to be compared with its log; try again")


def _differences(replayed: list[PoolView], live: list[dict[str, Any]]) -> Iterator[Difference]:
    views = {(view.provider_id, view.pool_id): view for view in replayed}
    for pool in live:
        name = (pool["provider_id"], pool["pool_id"])
        for field in COMPARED:
            own = getattr(views.get(name), field, None)
            if own != pool.get(field):
                yield Difference("/".join(name), field, own, pool.get(field))


def _blank(settings: Settings) -> Blank:
    from ratelord_core import plugins
    from ratelord_core.cli.policy_file import read_policy
    from ratelord_core.model.config import Document
    from ratelord_core.replay import Blank

    loaded = plugins.load(settings.without)
    path = settings.policy_path
    document = read_policy(path, loaded) if path is not None else Document()
    graphs = loaded.named("ratelord_register_graphs")
    models = loaded.named("ratelord_register_forecast_models", "model_id")
    model = models[document.settings.forecast_model]
    return Blank(graphs[settings.graph], model, loaded.controllers())
