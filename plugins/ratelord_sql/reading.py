"""Reading a log in chunks, by the shortest way that a query allows.

``ts_ingest`` never decreases with ``seq``, so an instant is found by bisection and needs no index;
a UUIDv7 carries its instant, so an event is found by its id without one either. Every chunk is a
statement of its own: a slow reader never keeps the write-ahead log from being folded in.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import islice, starmap
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Engine,
    Select,
    TextClause,
    and_,
    bindparam,
    func,
    select,
    text,
    type_coerce,
)
from sqlalchemy.types import NullType

from ratelord_core.events.record import Record
from ratelord_core.model.ids import uuid7_millis
from ratelord_core.model.instant import MINUTE, SECOND, Micros
from ratelord_core.store import EventQuery, Head
from ratelord_sql.migrations import CORRELATED, DECIDED, HOT_TYPES, RARE
from ratelord_sql.tables import EVENTS

CHUNK, LARGEST = 500, 2000
"""Records held in memory at a time: by who begins to read, and by who reads on."""
EARLY: Micros = SECOND
"""How far behind an id's own time its event may be written: clocks of two hosts."""
LATE: Micros = MINUTE
"""How long after an id's own time its event may be written: queueing and a slow disk."""

_COLUMN = EVENTS.columns
_AS_STORED: Iterable[Any] = (type_coerce(column, NullType()) for column in _COLUMN)
_EVERY: Select[*tuple[Any, ...]] = select(*_AS_STORED)
"""Whole rows, as the driver gives them: a column that was tampered with must come out as it is."""
_TIME = (
    select(_COLUMN.ts_ingest).where(_COLUMN.seq >= bindparam("at")).order_by(_COLUMN.seq).limit(1)
)
_RARE = text(RARE)
_CORRELATED = text(CORRELATED)
Condition = ColumnElement[bool] | TextClause


def head_of(connection: Connection) -> Head:
    """The newest record's place, chain and time."""
    ends = select(_COLUMN.seq, _COLUMN.chain, _COLUMN.ts_ingest)
    row = connection.execute(ends.order_by(_COLUMN.seq.desc()).limit(1)).first()
    return Head(*row) if row else Head()


def find(connection: Connection, event_id: bytes) -> Record | None:
    """The record of a UUIDv7, looked for around the time that the id carries."""
    return _near(connection, uuid7_millis(event_id) * 1000, _COLUMN.event_id == event_id)


def read(engine: Engine, query: EventQuery) -> Iterator[Record]:
    """Records that match and were there when the first was asked for, chunk by chunk."""
    with engine.connect() as connection:
        first, past = _bounds(connection, query)
        ways = [_walk(engine, way, first, past, query) for way in _ways(query)]
        if query.correlation_id:
            ways.append(_decision(connection, query, first, past))
    merged = heapq.merge(*ways, key=attrgetter("seq"), reverse=query.newest_first)
    return islice(merged if len(ways) > 1 else ways[0], query.limit)


def _bounds(connection: Connection, query: EventQuery) -> tuple[int, int]:
    """The query's bounds and instants as a half-open range of seq."""
    first, past = query.after + 1, head_of(connection).seq + 1
    if query.before is not None:
        past = min(past, query.before)
    if query.since is not None:
        first = max(first, _first_at(connection, query.since))
    if query.until is not None:
        past = min(past, _first_at(connection, query.until))
    return first, past


def _first_at(connection: Connection, instant: Micros) -> int:
    """The lowest seq at or after an instant; one past the newest if there is none."""
    # One by one: SQLite answers a lone min or max from the tree's edge, a pair by a full scan.
    lowest = connection.execute(select(func.min(_COLUMN.seq))).scalar() or 1
    highest = connection.execute(select(func.max(_COLUMN.seq))).scalar() or 0
    places = range(lowest, highest + 1)
    return lowest + bisect_left(
        places, instant, key=lambda seq: connection.execute(_TIME, {"at": seq}).scalar_one()
    )


def _near(connection: Connection, made: Micros, wanted: ColumnElement[bool]) -> Record | None:
    """The first match among the events of the minute after an instant, or just before it."""
    for since, until in ((made, made + LATE), (made - EARLY, made)):
        first, past = _first_at(connection, since), _first_at(connection, until)
        among = _EVERY.where(_COLUMN.seq >= first, _COLUMN.seq < past, wanted)
        row = connection.execute(among.order_by(_COLUMN.seq).limit(1)).first()
        if row:
            return Record(*row)
    return None


def _decision(connection: Connection, query: EventQuery, first: int, past: int) -> Iterator[Record]:
    """The decision of the intent that a correlation names: it is written with the question.

    It has no index, since there is one for every intent and time alone finds it.
    """
    intent_id = query.correlation_id or b""
    if query.types and DECIDED not in query.types:
        return iter(())
    wanted = and_(_COLUMN.event_type == DECIDED, _COLUMN.correlation_id == intent_id)
    found = _near(connection, uuid7_millis(intent_id) * 1000, wanted)
    return iter([found] if found and first <= found.seq < past else [])


def _ways(query: EventQuery) -> list[list[Condition]]:
    """The conditions of each walk over the log, walks that are to be merged.

    Rare types are walked one by one along their index; anything else in one walk.
    """
    some_types: list[Condition] = [_COLUMN.event_type.in_(query.types)] if query.types else []
    if query.correlation_id:
        return [[_COLUMN.correlation_id == query.correlation_id, _CORRELATED, *some_types]]
    plain: list[Condition] = []
    if query.correlation_id is not None:
        plain.append(_COLUMN.correlation_id == b"")
    if not query.types or not set(query.types).isdisjoint(HOT_TYPES):
        return [plain + some_types]
    return [[*plain, _COLUMN.event_type == name, _RARE] for name in set(query.types)]


def _walk(
    engine: Engine, conditions: list[Condition], first: int, past: int, query: EventQuery
) -> Iterator[Record]:
    """Matching records of the range, in the query's direction."""
    order = _COLUMN.seq.desc() if query.newest_first else _COLUMN.seq
    size = CHUNK if query.limit is None else min(CHUNK, query.limit)
    wanted = _EVERY.where(*conditions).order_by(order)
    while first < past:
        among = wanted.where(_COLUMN.seq >= first, _COLUMN.seq < past).limit(size)
        with engine.connect() as connection:
            rows = _plain(connection.execute(among))
        yield from starmap(Record, rows)
        if len(rows) < size:
            return
        newest = rows[-1][0]
        if query.newest_first:
            past = newest
        else:
            first = newest + 1
        size = min(2 * size, LARGEST)


def _plain(found: CursorResult[Any]) -> list[tuple[Any, ...]]:
    """Rows as the driver has them: a log is long, and nobody asks for their columns by name."""
    cursor: Any = found.cursor
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    found.close()
    return rows
