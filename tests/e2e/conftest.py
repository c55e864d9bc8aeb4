"""For whole runs: a reader of the log that knows nothing of the ledger's code, and its verdict."""

from __future__ import annotations

import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ratelord_core.testing.desk import run_command

Event = dict[str, Any]


def micros(text: str) -> int:
    """µs since the epoch of a timestamp on the wire."""
    moment = datetime.fromisoformat(text)
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond


class Leg:
    """What an intent holds of one pool."""

    def __init__(self, units: int, start: int, end: int) -> None:
        self.units, self.start, self.end = units, start, end


class PoolBook:
    """One pool as an outsider keeps its books: what is held, from when to when, and what was used.

    ``overdrawn`` says by how much the promises around a new leg exceed what there is: 0 if they do
    not.
    """

    def __init__(self, declared: dict[str, Any], now: int) -> None:
        window = declared["window"]
        self.limit: int = declared["limit"]
        self.kind: str = window["kind"]
        self.every: int = window["every"] or 0
        self.burst: int = window["burst"] if window["burst"] is not None else self.limit
        self.guard = 0 if declared["local"] else min(1_000_000, self.every // 20)
        self.reset: int | None = None
        self.legs: dict[str, Leg] = {}
        self.uses: list[list[int]] = []
        self.expired: dict[str, list[int]] = {}
        self.level, self.at = self.burst * self.every, now

    def advance(self, now: int) -> dict[str, Leg]:
        """What expired until now, each at its own instant."""
        gone = {name: leg for name, leg in self.legs.items() if leg.end <= now}
        for name, leg in sorted(gone.items(), key=lambda item: item[1].end):
            del self.legs[name]
            used = 0 if self.kind == "concurrency" else leg.units
            self.expired[name] = self._use(leg.end, used)
        if self.kind != "fixed":
            self.uses = [use for use in self.uses if use[0] > now - self.every]
        return gone

    def _use(self, at: int, units: int) -> list[int]:
        self._refill(at)
        self.level -= units * self.every
        use = [at, units]
        self.uses.append(use)
        return use

    def _refill(self, now: int) -> None:
        full = self.burst * self.every
        if self.level < full:
            self.level = min(full, self.level + self.limit * max(0, now - self.at))
        self.at = max(self.at, now)

    def settle(self, name: str, units: int, now: int) -> None:
        """A report: what was held is free, what was used counts; a late one corrects."""
        if self.legs.pop(name, None) is not None:
            self._use(now, units)
            return
        use = self.expired[name]
        self._refill(now)
        self.level -= (units - use[1]) * self.every
        use[1] = units

    def overdrawn(self, leg: Leg, now: int) -> int:
        """By how much the pool is overdrawn, now or later, anywhere the leg counts."""
        return max(0, *(total - self.limit for total in self._totals(leg, now)))

    def _totals(self, new: Leg, now: int) -> Iterator[int]:
        if self.kind == "fixed":
            yield from self._in_windows(new)
        elif self.kind == "bucket":
            yield from self._in_bucket(new, now)
        else:
            later = {leg.start for leg in self.legs.values()}
            for at in {new.start} | {at for at in later if new.start <= at <= new.end + self.every}:
                held = (leg.units for leg in self.legs.values() if self._counts(leg, at))
                yield sum(held) + sum(units for used, units in self.uses if used > at - self.every)

    def _counts(self, leg: Leg, at: int) -> bool:
        return leg.start <= at < max(leg.end + self.every, leg.start + 1)

    def _in_windows(self, new: Leg) -> Iterator[int]:
        """What counts in each window that the leg may fall in; the guard belongs to both sides."""
        assert self.reset is not None
        number = (new.start - self.guard - self.reset) // self.every
        while True:
            begins = self.reset + number * self.every
            ends = begins + self.every + self.guard
            held = (leg for leg in self.legs.values() if leg.start < ends and leg.end >= begins)
            used = (units for at, units in self.uses if begins <= at < ends)
            yield sum(leg.units for leg in held) + sum(used)
            number += 1
            if self.reset + number * self.every > new.end:
                return

    def _in_bucket(self, new: Leg, now: int) -> Iterator[int]:
        """What lacks (above the limit) at every turn from the leg's start on, if all that is held
        is drawn as late as it may be."""
        self._refill(now)
        level, at = self.level, now
        turns = [(leg.start, leg.units, 0) for leg in self.legs.values()]
        turns += [(leg.end, -leg.units, leg.units) for leg in self.legs.values()]
        held = 0
        for moment, more, drawn in sorted(turns, key=lambda turn: (turn[0], turn[1])):
            if moment > at:
                level = max(level, min(self.burst * self.every, level + self.limit * (moment - at)))
                at = moment
            held += more
            level -= drawn * self.every
            if moment >= new.start:
                yield self.limit + held - level // self.every


class Audit:
    """Reads a log from its first event to its last and notes whatever must not be."""

    def __init__(self, events: list[Event]) -> None:
        self.faults: list[str] = []
        self.pools: dict[str, PoolBook] = {}
        self.decided: dict[str, Event] = {}
        self.reported: dict[str, Event] = {}
        self.keys: dict[str, str] = {}
        self.announced: dict[tuple[str, str], int] = {}
        self.lapsed: dict[tuple[str, str], int] = {}
        for number, event in enumerate(events, 1):
            if event["seq"] != number:
                self.faults.append(f"event {event['seq']} stands in place {number}")
            self._read(event, micros(event["ts_event"]), event["payload"])
        self._compare_expiries()

    def _read(self, event: Event, now: int, payload: dict[str, Any]) -> None:
        for key, pool in self.pools.items():
            for name, leg in pool.advance(now).items():
                self.lapsed[name, key] = leg.end
        read = getattr(self, f"_{event['event_type']}", None)
        if read is not None:
            read(event, now, payload)

    def _config_loaded(self, event: Event, now: int, payload: dict[str, Any]) -> None:
        for pool in payload["pools"]:
            self.pools.setdefault(f"{pool['provider_id']}/{pool['pool_id']}", PoolBook(pool, now))

    def _intent_submitted(self, event: Event, now: int, payload: dict[str, Any]) -> None:
        key = payload.get("key")
        if key and self.keys.setdefault(key, event["event_id"]) != event["event_id"]:
            self.faults.append(f"{event['event_id']} was decided although its key had an answer")

    def _intent_decided(self, event: Event, now: int, payload: dict[str, Any]) -> None:
        name = event["correlation"]["correlation_id"]
        if name in self.decided:
            self.faults.append(f"{name} was decided twice")
        self.decided[name] = event
        start = now + payload.get("start", 0)
        legs = {}
        for line in payload.get("holds", ()):
            pool = self.pools[line["pool"]]
            self._same_windows(line, pool, now)
            legs[line["pool"]] = Leg(line["units"], start, start + line["lifetime"])
            pool.legs[name] = legs[line["pool"]]
        for key, leg in legs.items():
            beyond = self.pools[key].overdrawn(leg, now)
            if beyond:
                self.faults.append(
                    f"event {event['seq']}: {key} is overdrawn by {beyond} of "
                    f"{self.pools[key].limit} after {leg.units} were held in {(start - now) / 1e6} s"
                )

    def _same_windows(self, line: dict[str, Any], pool: PoolBook, now: int) -> None:
        """A fixed window's resets follow each other at its length, whatever happens.

        One that is due, but waited for until the guard is over, is 0 away.
        """
        if pool.kind != "fixed" or not line["reset_in"]:
            return
        reset = now + line["reset_in"]
        pool.reset = reset if pool.reset is None else pool.reset
        if (reset - pool.reset) % pool.every:
            self.faults.append(f"{line['pool']} resets at {reset}, which is out of its rhythm")

    def _intent_reported(self, event: Event, now: int, payload: dict[str, Any]) -> None:
        name = event["correlation"]["correlation_id"]
        if name in self.reported:
            self.faults.append(f"{name} was reported twice")
        self.reported[name] = event
        for key, units in payload.get("settled", ()):
            self.pools[key].settle(name, units, now)

    def _hold_expired(self, event: Event, now: int, payload: dict[str, Any]) -> None:
        for name, key, _, at in payload["expired"]:
            if (name, key) in self.announced:
                self.faults.append(f"{name} expired twice in {key}")
            self.announced[name, key] = at

    def _compare_expiries(self) -> None:
        for expiry, at in self.announced.items():
            if self.lapsed.get(expiry) != at:
                self.faults.append(f"{expiry} is said to have expired at {at}; it had not")

    @property
    def outcomes(self) -> dict[str, int]:
        """How many decisions of each kind there are."""
        counted: dict[str, int] = defaultdict(int)
        for event in self.decided.values():
            counted[event["payload"].get("decision", "approve")] += 1
        return counted

    def disagreements(self, answer: dict[str, Any]) -> list[str]:
        """What an answer says that the log does not: nothing, if all is well."""
        event = self.decided.get(answer["intent_id"])
        if event is None:
            return [f"{answer['intent_id']} was answered and is not in the log"]
        payload, now = event["payload"], micros(event["ts_event"])
        holds = [
            (f"{line['provider_id']}/{line['pool_id']}", line["units"], micros(line["expires_at"]))
            for line in answer["holds"]
        ]
        start = now + payload.get("start", 0)
        logged: dict[str, Any] = {
            "decision": payload.get("decision", "approve"),
            "reason_code": payload.get("reason_code", "ok"),
            "start_at": start if answer["allowed"] else None,
            "holds": [
                (line["pool"], line["units"], start + line["lifetime"])
                for line in payload.get("holds", ())
            ],
        }
        told = {
            "decision": answer["decision"],
            "reason_code": answer["reason_code"],
            "start_at": None if answer["start_at"] is None else micros(answer["start_at"]),
            "holds": holds,
        }
        return [
            f"{answer['intent_id']}: {name} is {told[name]}, logged {logged[name]}"
            for name in told
            if told[name] != logged[name]
        ]


def read_events(url: str) -> list[Event]:
    """The whole log, oldest first, through the public door."""
    found: list[Event] = []
    with httpx2.Client(base_url=url, timeout=60) as client:
        while True:
            after = found[-1]["seq"] if found else 0
            page = client.get(f"/v1/events?order=asc&limit=1000&after={after}").json()
            if not page:
                return found
            found += page


@pytest.fixture
def audit() -> Callable[[str], Audit]:
    """What an outsider makes of a daemon's log."""
    return lambda url: Audit(read_events(url))


@pytest.fixture
def judge() -> Callable[[list[Event]], Audit]:
    """What an outsider makes of events."""
    return Audit


@pytest.fixture
def one_of_each() -> Callable[[str, dict[str, int]], list[dict[str, Any]]]:
    """Asks a daemon so that each kind of answer is given, at whatever pace the machine goes: an
    approval, one that must wait for its turn, and a denial. Returns the answers.

    The policy needs a pool of one that only ``workload:patient`` draws from, with a long window.
    """
    return _one_of_each


def _one_of_each(url: str, too_much: dict[str, int]) -> list[dict[str, Any]]:
    body = {
        "agent_id": "agent:first",
        "identity_id": "key:team",
        "workload_id": "patient",
        "scope_id": "repo:acme/api",
        "max_wait_seconds": 3600,
    }
    bodies = [
        body | {"costs": costs, "idempotency_key": f"first/{number}"}
        for number, costs in enumerate(({}, {}, too_much))
    ]
    found = [httpx2.post(f"{url}/v1/intent", json=one, timeout=60).json() for one in bodies]
    kinds = ["approve", "approve_with_modifications", "deny_with_reason"]
    assert [answer["decision"] for answer in found] == kinds, found
    return found


@pytest.fixture
def verified() -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """``ratelord events verify`` on a file."""
    return lambda db: run_command("events", "verify", "--db", str(db))


Figures = dict[str, dict[str, Any]]


@pytest.fixture
def replayed() -> Callable[[Path, int, Figures], Figures]:
    """The pools at an instant, as the log alone gives them, in wire form. If they are not as they
    were shown, the log is read again: what passes by itself is written a moment after it is shown.
    """

    def look(db: Path, at: int, shown: Figures) -> Figures:
        for _ in range(10):
            if (found := _replayed(db, at)) == shown:
                return found
            time.sleep(0.5)
        return _replayed(db, at)

    return look


def _replayed(db: Path, at: int) -> dict[str, dict[str, Any]]:
    import msgspec

    from ratelord_core import plugins
    from ratelord_core.engine.reader import Reader
    from ratelord_core.events.codec import open_record
    from ratelord_core.replay import Blank
    from ratelord_core.store import EventQuery
    from ratelord_sql.plugin import SqliteStores

    loaded = plugins.load()
    models = loaded.named("ratelord_register_forecast_models", "model_id")
    state = Blank(loaded.named("ratelord_register_graphs")["networkx"], models["linear"]).state()
    store = SqliteStores().open_events(db, exclusive=False)
    for record in store.read(EventQuery()):
        event = open_record(record)
        if event.ts_event <= at:
            state.replay(event)
    store.close()
    state.pass_time(at)
    views = [msgspec.to_builtins(view) for view in Reader(state).pools(at)]
    return {f"{view['provider_id']}/{view['pool_id']}": figures_of(view) for view in views}


def figures_of(view: dict[str, Any]) -> dict[str, Any]:
    """What of a pool's view follows from the log and the instant (a forecast shown may be of a
    moment earlier)."""
    kept = ("limit", "used", "held", "scheduled", "available", "unit", "reset_at", "observed_at")
    shares = [list(view["shares"][by]) for by in ("agents", "identities")]
    return {name: view[name] for name in kept} | {"shares": shares}


@pytest.fixture
def live() -> Callable[[str], tuple[int, dict[str, dict[str, Any]]]]:
    """The pools as a daemon shows them, and the instant of which it speaks."""

    def look(url: str) -> tuple[int, dict[str, dict[str, Any]]]:
        found = httpx2.get(url + "/v1/pools", timeout=60).json()
        views = found["items"] if isinstance(found, dict) else found
        instants = {view["forecast"]["as_of_ts"] for view in views}
        assert len(instants) == 1
        pools = {f"{view['provider_id']}/{view['pool_id']}": figures_of(view) for view in views}
        return micros(instants.pop()), pools

    return look
