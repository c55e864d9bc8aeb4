"""Proves a log and what was made of it: every link of the chain, the state that it yields, and
whether its snapshot says the same."""

from __future__ import annotations

from typing import Final

from ratelord_core.daemon.snapshots import DoubtError, Snapshots
from ratelord_core.engine import State
from ratelord_core.errors import StoreCorrupt
from ratelord_core.events.verify import FaultyError, Walk
from ratelord_core.model.instant import Micros
from ratelord_core.model.proof import Proof
from ratelord_core.replay import Blank, figures, replay
from ratelord_core.store import EventQuery, EventStore

_NAMED: Final = 5
"""Pools of failed plugins that are named."""


def prove(
    log: EventStore, snapshots: Snapshots, blank: Blank, now: Micros, up_to: int | None = None
) -> Proof:
    """Walk the log up to and with the event ``up_to`` (None: the newest), rebuild the state from
    it alone, and compare what the snapshot and the events after it yield."""
    walk = Walk()
    query = EventQuery(before=None if up_to is None else up_to + 1)
    state = blank.state()
    try:
        replay(walk.along(log.read(query)), state)
    except FaultyError as error:
        seq = walk.newest.seq
        text = f"event {error.fault.seq}: {error.fault.kind}: {error.fault.detail}"
        return Proof(seq, walk.newest.chain.hex(), walk.redacted, fault=text)
    except StoreCorrupt as error:
        return Proof(walk.newest.seq, walk.newest.chain.hex(), walk.redacted, fault=str(error))
    told = figures(state, now)
    newest = walk.newest
    said, at = _compare(log, snapshots, newest.seq, now, state)
    return Proof(
        newest.seq,
        newest.chain.hex(),
        walk.redacted,
        snapshot=said,
        snapshot_seq=at,
        figures=told,
    )


def _compare(
    log: EventStore, snapshots: Snapshots, seq: int, now: Micros, rebuilt: State
) -> tuple[str, int]:
    try:
        state, at = snapshots.believed(seq + 1)
    except DoubtError as doubt:
        return f"not believed: {doubt}", 0
    if not at:
        return "none", 0
    state = replay(log.read(EventQuery(after=at, before=seq + 1)), state)
    state.pass_time(now)
    return _verdict(rebuilt, state, now), at


def _verdict(rebuilt: State, kept: State, now: Micros) -> str:
    """Whether two states are the same. That a plugin failed is no event, so what it learnt before
    or since may differ; nothing else may."""
    both = (rebuilt, kept)
    one, other = pictures = [state.picture(now) for state in both]
    if one == other:
        return "same"
    models = set[str]().union(*(state.book.faltered() for state in both))
    steered = {(*label, pool) for state in both for label, pool, *_ in state.pacing.failures()}
    for picture in pictures:
        known, pacing = picture["forecasts"], picture["pacing"]
        picture["forecasts"] = {pool: known[pool] for pool in known.keys() - models}
        pacing["governors"] = [one for one in pacing["governors"] if tuple(one[:3]) not in steered]
    if one != other:
        return "differs"
    pools = sorted(models.union(pool for *_, pool in steered))
    more = f" and {len(pools) - _NAMED} more" if len(pools) > _NAMED else ""
    return f"same, but for what plugins that failed remember of {', '.join(pools[:_NAMED])}{more}"
