"""How the schema came to be, one frozen step per version.

A step is applied once, in the transaction that also raises ``schema_version``, and never edited
afterwards. Plain statements do: there is one file, one writer and no branching history, so a
migration framework would bring its own configuration and version table for nothing.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

HOT_TYPES: Final = ("intent_submitted", "intent_decided", "intent_reported")
"""Types of which there are so many that an index on them would cost more than a scan."""

RARE: Final = "event_type NOT IN ('intent_submitted', 'intent_decided', 'intent_reported')"
"""The condition of the index on types, word for word: SQLite uses it only if a query repeats it."""

DECIDED: Final = "intent_decided"
CORRELATED: Final = "correlation_id <> x'' AND event_type <> 'intent_decided'"
"""The condition of the index on correlations, word for word; a decision lies near its question."""

_TABLES = (
    """
    CREATE TABLE events (
        seq INTEGER NOT NULL PRIMARY KEY,
        event_id BLOB NOT NULL,
        event_type VARCHAR NOT NULL,
        ts_ingest INTEGER NOT NULL,
        correlation_id BLOB NOT NULL,
        body BLOB NOT NULL,
        salt BLOB NOT NULL,
        chain BLOB NOT NULL,
        digest BLOB
    )
    """,
    "CREATE TABLE meta (key VARCHAR NOT NULL PRIMARY KEY, value VARCHAR NOT NULL) WITHOUT ROWID",
    "CREATE TABLE permit (deed VARCHAR NOT NULL PRIMARY KEY) WITHOUT ROWID",
    f"CREATE INDEX events_by_type ON events (event_type) WHERE {RARE}",
    f"CREATE INDEX events_by_correlation ON events (correlation_id) WHERE {CORRELATED}",
)

_GUARDS = (
    """
    CREATE TRIGGER events_are_gapless BEFORE INSERT ON events
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
    BEGIN
        SELECT RAISE(ABORT, 'events are appended without gaps: seq must be the newest plus one');
    END
    """,
    """
    CREATE TRIGGER events_never_change BEFORE UPDATE ON events
    WHEN NOT (
        EXISTS (SELECT 1 FROM permit WHERE deed = 'redact')
        AND NEW.seq IS OLD.seq
        AND NEW.event_id IS OLD.event_id
        AND NEW.event_type IS OLD.event_type
        AND NEW.ts_ingest IS OLD.ts_ingest
        AND NEW.correlation_id IS OLD.correlation_id
        AND NEW.chain IS OLD.chain
        AND NEW.salt IS x''
        AND length(NEW.digest) IS 32
        AND (OLD.digest IS NULL OR NEW.digest IS OLD.digest)
    )
    BEGIN
        SELECT RAISE(ABORT, 'events never change: only a redaction may blank body and salt');
    END
    """,
    """
    CREATE TRIGGER events_stay BEFORE DELETE ON events
    WHEN NOT (
        EXISTS (SELECT 1 FROM permit WHERE deed = 'prune')
        AND OLD.seq IS (SELECT min(seq) FROM events)
        AND OLD.seq IS NOT (SELECT max(seq) FROM events)
    )
    BEGIN
        SELECT RAISE(ABORT, 'events stay: only pruning may delete, oldest first, never the newest');
    END
    """,
)

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (_TABLES + _GUARDS,)
"""The steps; the step at index n leads from schema version n to n + 1."""

NEWEST: Final = len(MIGRATIONS)


def schema_version(connection: Connection) -> int | None:
    """The schema version of the file: 0 for an empty one, None if another program made it."""
    names = set(connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars())
    if not names:
        return 0
    if not {"meta", "events"} <= names:
        return None
    found = connection.exec_driver_sql("SELECT value FROM meta WHERE key = 'schema_version'")
    value = found.scalar()
    return int(value) if isinstance(value, str) and value.isdigit() else None


def migrate(connection: Connection, version: int) -> None:
    """Take the schema from a version to the newest, all or nothing.

    The connection must be in autocommit mode; an error leaves the transaction to be rolled back.
    """
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    for step in MIGRATIONS[version:]:
        for statement in step:
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(
        "INSERT INTO meta (key, value) VALUES ('schema_version', ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (str(NEWEST),),
    )
    # A permit lives inside one transaction; one that outlived a crash of some tool is void.
    connection.exec_driver_sql("DELETE FROM permit")
    connection.exec_driver_sql("COMMIT")
