"""Killed at any moment, the log has every event that was acknowledged, and no half of a batch."""

import random
import subprocess
import sys
import textwrap

from ratelord_core.events.verify import verify
from ratelord_core.store import EventQuery
from ratelord_core.testing.records import Scribe
from ratelord_sql.plugin import SqliteStores

BATCH = 5
WRITER = textwrap.dedent(
    f"""
    import pathlib, sys
    from ratelord_core.testing.records import Scribe, batches
    from ratelord_sql.plugin import SqliteStores

    store = SqliteStores().open_events(pathlib.Path(sys.argv[1]))
    there = store.head().seq
    for batch in batches(Scribe().day(4000), {BATCH}):
        if batch[0].seq > there:
            if batch[-1].seq % 2:
                store.append(batch)
            else:
                assert store.stage(batch)
                store.commit()
            print(batch[-1].seq, flush=True)
    """
)


def test_acknowledged_events_survive_kill_9(tmp_path):
    path, chance = tmp_path / "events.db", random.Random(9)
    for _ in range(4):
        acknowledged = write_and_kill(path, after=chance.randrange(1, 200))
        beside = SqliteStores().open_events(path, exclusive=False)
        records = list(beside.read(EventQuery()))
        beside.close()
        assert len(records) >= acknowledged
        assert len(records) % BATCH == 0
        assert verify(records).intact
    assert records == Scribe().day(4000)[: len(records)]


def write_and_kill(path, after):
    """Let a process append, kill it after so many acknowledgements; the last seq that it said."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        for _ in range(after):
            line = writer.stdout.readline()
        writer.kill()
        rest = [said for said in writer.stdout.read().split("\n")[:-1] if said]
    return int(rest[-1] if rest else line)
