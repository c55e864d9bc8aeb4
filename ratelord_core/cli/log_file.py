"""The log's file, opened for reading beside a running daemon, or without one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ratelord_core.cli.outcome import CommandFailed

if TYPE_CHECKING:
    from ratelord_core.store import EventStore, SnapshotStore


def default_path() -> Path:
    """Where the daemon that the environment describes keeps its log."""
    from ratelord_core.settings import load_settings

    return load_settings().db_path


def open_log(path: Path | None) -> tuple[Path, EventStore]:
    """The path and the store behind it, without the lock. A missing file is a ``CommandFailed``."""
    from ratelord_core import plugins

    path = (path or default_path()).absolute()
    if not path.exists():
        raise CommandFailed(f"{path}: there is no such log; name it with --db")
    stores = plugins.load().named("ratelord_register_stores")
    return path, stores["sqlite"].open_events(path, exclusive=False)


def snapshots_of(path: Path) -> SnapshotStore:
    """The snapshots that belong to a log."""
    from ratelord_core import plugins

    kept: SnapshotStore = (
        plugins.load().named("ratelord_register_stores")["sqlite"].open_snapshots(path)
    )
    return kept
