"""What SQLite and the file system say, told as the core's errors: what happened, what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from ratelord_core.errors import StoreCorrupt, StoreError

_NEXT_STEPS = {
    "SQLITE_FULL": "the disk is full: free some space",
    "SQLITE_IOERR": "the disk refused: free some space, or check it for faults",
    "SQLITE_READONLY": "it may not be written: check its owner and permissions",
    "SQLITE_CANTOPEN": "it cannot be opened: check that file and folder may be read and written",
    "SQLITE_PERM": "it may not be opened: check its owner and permissions",
    "SQLITE_BUSY": "another program keeps it locked: close that program",
    "SQLITE_CONSTRAINT": "the log refuses what does not follow its newest event",
}
_CORRUPT = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def fault(path: Path, doing: str, error: DBAPIError | sqlite3.Error) -> StoreError:
    """A database error as a ``StoreError``, to be raised from it."""
    said = error.orig if isinstance(error, DBAPIError) else error
    name = str(getattr(said, "sqlite_errorname", ""))  # only errors of SQLite itself have one
    detail = " ".join(str(said).split())
    unreadable = doing == "read" and not name  # the driver could not make sense of a value
    if unreadable or name.startswith(_CORRUPT):
        return StoreCorrupt(
            f"cannot {doing} {path}: {detail}; "
            "restore it from a copy, or name another file with --db"
        )
    step = next((text for key, text in _NEXT_STEPS.items() if name.startswith(key)), name)
    return StoreError(f"cannot {doing} {path}: {detail}; {step}")


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another program keeps the database locked."""
    return str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_BUSY")


def path_fault(path: Path, error: OSError) -> StoreError:
    """A file system error as a ``StoreError``, to be raised from it."""
    reason = error.strerror or type(error).__name__
    if isinstance(error, FileNotFoundError):
        step = f"create the folder {path.parent}, or name another file with --db"
    elif isinstance(error, PermissionError):
        step = f"make {path.parent} writable, or name another file with --db"
    else:
        step = "name another file with --db"
    return StoreError(f"cannot open {path}: {reason}; {step}")
