"""What a simulated pool counts: pure steps from one poll to the next."""

from __future__ import annotations

from typing import Final

import msgspec

from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import MAX_UNITS
from ratelord_core.model.window import Window
from ratelord_mock.boundaries import period

MAX_ENTRIES: Final = 64
"""Spends of a sliding window that are remembered apart; older ones are added to the next."""


class Count(msgspec.Struct, frozen=True, omit_defaults=True):
    """A pool's count as of ``at``, the instant at which the ledger had settled ``settled`` units.

    ``used`` None: this pool does not report its use. ``limit`` is an injected one. ``spends`` are
    the (instant, units) of a sliding window.
    """

    at: Micros
    settled: int = 0
    used: int | None = None
    limit: int | None = None
    spends: tuple[tuple[Micros, int], ...] = ()


def begin(window: Window, used: int | None, settled: int, now: Micros) -> Count:
    """A count that starts now with this use, whatever was before."""
    spends = ((now, used),) if window.kind == "sliding" and used else ()
    return Count(at=now, settled=settled, used=used, spends=spends)


def advance(
    count: Count, window: Window, limit: int | None, *, settled: int, started: Micros, now: Micros
) -> Count:
    """The count as of now, when the ledger has settled ``settled`` units in all.

    Units settled since the last poll count as spent evenly in between: where a reset lies there,
    only the part after it stays.
    """
    fresh = max(0, settled - count.settled)
    if count.used is not None:
        count = _count(count, window, limit or 0, fresh=fresh, started=started, now=now)
    return msgspec.structs.replace(count, at=now, settled=settled)


def _count(
    count: Count, window: Window, limit: int, *, fresh: int, started: Micros, now: Micros
) -> Count:
    """The count with what was freed and spent since its last instant."""
    if window.kind == "sliding":
        return _slide(count, window.every or 0, fresh, now)
    if window.kind == "bucket":
        return _drain(count, window.every or 1, limit, fresh, now)
    if window.kind == "concurrency":
        return count  # what our own agents hold is the ledger's to know
    used = (count.used or 0) + fresh
    since, _ = period(window, started, now)
    if count.at < since and window.kind != "unbounded":
        used = fresh * (now - since) // (now - count.at)
    return msgspec.structs.replace(count, used=min(used, MAX_UNITS))


def _slide(count: Count, every: Micros, fresh: int, now: Micros) -> Count:
    spends = [spend for spend in count.spends if spend[0] > now - every]
    if fresh:
        spends.append((now, fresh))
    while len(spends) > MAX_ENTRIES:
        spends[0:2] = [(spends[1][0], spends[0][1] + spends[1][1])]
    used = min(sum(units for _, units in spends), MAX_UNITS)
    return msgspec.structs.replace(count, used=used, spends=tuple(spends))


def _drain(count: Count, every: Micros, limit: int, fresh: int, now: Micros) -> Count:
    """``spends`` keeps the one instant up to which whole units have drained."""
    used = count.used or 0
    since = count.spends[0][0] if count.spends else count.at
    drained = (now - since) * limit // every
    if drained >= used:
        used, since = 0, now
    elif drained:
        used, since = used - drained, since + drained * every // limit
    used = min(used + fresh, MAX_UNITS)
    return msgspec.structs.replace(count, used=used, spends=((since, 0),))
