"""After the load: does the log hold every answer that was given, and the ledger what the log says?"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ratelord_core import plugins
from ratelord_core.events.codec import open_record
from ratelord_core.events.payloads import IntentDecided, IntentReported, IntentSubmitted
from ratelord_core.store import EventQuery


@dataclass(frozen=True)
class Told:
    """What the log tells: decisions, what it takes to keep one, and units held in each pool."""

    decisions: int
    bytes_each: float
    units: dict[str, int]


def read_log(path: Path) -> Told:
    """Fold the log beside the running daemon."""
    store = (
        plugins.load()
        .named("ratelord_register_stores")["sqlite"]
        .open_events(path, exclusive=False)
    )
    units: Counter[str] = Counter()
    decisions = size = 0
    try:
        held: dict[str, dict[str, int]] = {}
        for record in store.read(EventQuery()):
            event = open_record(record)
            payload = event.payload
            if isinstance(payload, IntentReported):  # a caller that hung up lets go of its hold
                for pool, used in payload.settled:
                    units[pool] += used - held[event.intent_id][pool]
                continue
            if not isinstance(payload, IntentSubmitted | IntentDecided):
                continue
            size += sum(map(len, (record.event_id, record.correlation_id, record.body)))
            size += sum(map(len, (record.event_type, record.salt, record.chain))) + 8 + 8
            if isinstance(payload, IntentDecided):
                decisions += 1
                held[event.intent_id] = {line.pool: line.units for line in payload.holds}
                units.update(held[event.intent_id])
    finally:
        store.close()
    return Told(decisions, size / max(1, decisions), dict(units))


def disagreements(path: Path, url: str, answered: int, in_flight: int) -> tuple[list[str], Told]:
    """Sentences about what does not fit together; none is the only good answer."""
    time.sleep(2)  # who was asked when the load ended is decided by then
    told = read_log(path)
    wrong = []
    if not answered <= told.decisions <= answered + in_flight:
        wrong.append(
            f"{answered} answers were received (at most {in_flight} more were on their way), "
            f"but the log has {told.decisions} decisions"
        )
    for pool in _get(f"{url}/v1/pools"):
        key = f"{pool['provider_id']}/{pool['pool_id']}"
        counted = pool["used"] + pool["held"]
        if counted != told.units.get(key, 0):
            wrong.append(
                f"{key}: the ledger counts {counted}, the log {told.units.get(key, 0)} units"
            )
    proved = subprocess.run(
        [sys.executable, "-m", "ratelord_core.cli", "events", "verify", "--db", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if proved.returncode:
        wrong.append(f"events verify: {(proved.stdout + proved.stderr).strip()}")
    return wrong, told


def _get(url: str) -> list[dict[str, object]]:
    with urllib.request.urlopen(url, timeout=30) as answer:
        found = json.load(answer)
    return found["items"] if isinstance(found, dict) else found
