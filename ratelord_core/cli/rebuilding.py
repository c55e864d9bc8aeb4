"""Rebuilds the state from the log alone, and compares it with what a running daemon says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ratelord_core.cli.outcome import CommandFailed

if TYPE_CHECKING:
    from ratelord import Client
    from ratelord_core.engine import State
    from ratelord_core.settings import Settings
    from ratelord_core.store import EventStore

COMPARED = ("limit", "used", "held", "scheduled", "reset_at")
_ATTEMPTS = 5


class Rebuilt(NamedTuple):
    """The pools that a log yields, in wire form, and how many events that took."""

    events: int
    identities: int
    pools: dict[str, dict[str, Any]]


class Difference(NamedTuple):
    """A number that the log and the daemon disagree about."""

    pool: str
    field: str
    replayed: Any
    live: Any


class Rebuilder:
    """Replays one log; the settings say with which graph and forecast model."""

    def __init__(self, store: EventStore, settings: Settings) -> None:
        self._store = store
        self._blank = _blank(settings)

    def rebuild(self, up_to: int | None = None) -> Rebuilt:
        """What the log yields, up to and with that seq (None: all of it)."""
        import msgspec

        from ratelord_core.clock import SystemClock
        from ratelord_core.engine.reader import Reader
        from ratelord_core.replay import replay
        from ratelord_core.store import EventQuery

        before = None if up_to is None else up_to + 1
        state: State = replay(self._store.read(EventQuery(before=before)), self._blank.state())
        seq = self._store.head().seq if up_to is None else up_to
        views = Reader(state).pools(SystemClock().now())
        pools = {f"{view.provider_id}/{view.pool_id}": msgspec.to_builtins(view) for view in views}
        return Rebuilt(seq, sum(1 for _ in state.identities), pools)

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


def _differences(replayed: dict[str, dict[str, Any]], live: list[dict[str, Any]]) -> Any:
    for pool in live:
        key = f"{pool['provider_id']}/{pool['pool_id']}"
        for field in COMPARED:
            own = replayed.get(key, {}).get(field)
            if own != pool.get(field):
                yield Difference(key, field, own, pool.get(field))


def _blank(settings: Settings) -> Any:
    from ratelord_core import plugins
    from ratelord_core.cli.policy_file import read_policy
    from ratelord_core.model.config import Document
    from ratelord_core.replay import Blank

    loaded = plugins.load(settings.without)
    path: Path | None = settings.policy_path
    document = read_policy(path, loaded) if path is not None else Document()
    graphs = loaded.named("ratelord_register_graphs")
    models = loaded.named("ratelord_register_forecast_models", "model_id")
    return Blank(graphs[settings.graph], models[document.settings.forecast_model])
