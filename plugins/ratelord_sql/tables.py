"""The tables of the log. Rows never leave this package; records do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table
from sqlmodel import Field, SQLModel


class EventRow(SQLModel, table=True):
    """One event, column by column a ``Record``."""

    __tablename__ = "events"

    seq: int = Field(primary_key=True)
    event_id: bytes
    event_type: str
    ts_ingest: int
    correlation_id: bytes
    body: bytes
    salt: bytes
    chain: bytes
    digest: bytes | None = None


class MetaRow(SQLModel, table=True):
    """A fact about the file itself, such as ``schema_version``."""

    __tablename__ = "meta"

    key: str = Field(primary_key=True)
    value: str


class PermitRow(SQLModel, table=True):
    """What the transaction that wrote this row may do to events: ``redact`` or ``prune``."""

    __tablename__ = "permit"

    deed: str = Field(primary_key=True)


def table_of(kind: type[SQLModel]) -> Table:
    """The SQL table behind a row type."""
    declared: Any = kind
    table: Table = declared.__table__
    return table


EVENTS = table_of(EventRow)
