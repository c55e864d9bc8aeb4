"""Registers the SQLite event store. SQL libraries are imported when a log is opened, not before."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ratelord_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from ratelord_core.store import EventStore, SnapshotStore, StoreFactory


class SqliteStores:
    """Opens event logs that are SQLite files."""

    name = "sqlite"

    def open_events(self, path: Path, *, exclusive: bool = True) -> EventStore:
        from ratelord_sql.store import SqliteEventStore  # noqa: PLC0415 - over a second to import

        return SqliteEventStore(path, exclusive=exclusive)

    def open_snapshots(self, path: Path) -> SnapshotStore:
        from ratelord_sql.snapshots import SnapshotFiles  # noqa: PLC0415 - only daemons need it

        return SnapshotFiles(path)


@hookimpl
def ratelord_register_stores() -> Iterable[StoreFactory]:
    """The SQLite store, by the name ``sqlite``."""
    return [SqliteStores()]
