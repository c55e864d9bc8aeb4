"""Who waits for the disk: the loop as long as that is quick, else a thread."""

import asyncio
from contextlib import contextmanager

import pytest

from ratelord_core.clock import SeededEntropy, SteppedClock
from ratelord_core.errors import StoreError
from ratelord_core.events.codec import Sealer
from ratelord_core.events.envelope import Draft
from ratelord_core.events.payloads import SystemStopped
from ratelord_core.events.record import GENESIS
from ratelord_core.events.verify import verify
from ratelord_core.journal import Journal
from ratelord_core.log_writer import MAX_STAGED, QUICK, LogWriter, Write
from ratelord_core.model.ids import uuid7
from ratelord_core.testing.memory_store import MemoryEventStore


class Disk(MemoryEventStore):
    """A log whose commits take as long as they are told to, or fail, or have to wait."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock
        self.took = 0
        self.locked = False
        self.broken = False
        self._staged = ()

    def stage(self, records):
        if not self.locked:
            self._staged = records
        return not self.locked

    def commit(self):
        self.clock.advance(self.took)
        if self.broken:
            raise StoreError("the disk refused")
        self.append(self._staged)


@pytest.fixture
def clock():
    return SteppedClock()


@pytest.fixture
def disk(clock):
    return Disk(clock)


@pytest.fixture
def writer(disk, clock):
    return LogWriter(disk, Sealer(SeededEntropy(1), seq=0, chain=GENESIS), clock, 0)


@contextmanager
def a_loop():
    loop = asyncio.new_event_loop()
    try:
        yield loop
    finally:
        loop.close()


def drafts(clock, count=1):
    entropy = SeededEntropy(3)
    return [Draft(uuid7(clock.now(), entropy), clock.now(), SystemStopped()) for _ in range(count)]


def begin(writer, clock, count=1):
    with a_loop() as loop:
        return writer.begin([Write(drafts(clock, count), loop.create_future())])


def test_a_quick_disk_is_waited_for_on_the_loop(writer, disk, clock):
    disk.took = QUICK
    for _ in range(3):
        assert begin(writer, clock).done
    assert verify(disk.records).intact
    assert len(disk.records) == 3


def test_after_a_slow_commit_a_thread_waits_for_ten_times_as_long(writer, disk, clock):
    disk.took = 4 * QUICK
    assert begin(writer, clock).done, "it could not be known"
    for _ in range(9):
        batch = begin(writer, clock)
        assert not batch.done
        assert batch.staged
        writer.finish(batch)
    assert len(disk.records) == 10
    clock.advance(disk.took)
    assert begin(writer, clock).done, "it is tried again"


def test_what_would_have_to_wait_is_appended_on_the_thread(writer, disk, clock):
    disk.locked = True
    batch = begin(writer, clock)
    assert (batch.done, batch.staged) == (False, False)
    writer.finish(batch)
    assert disk.records == list(batch.records)


def test_a_large_batch_is_left_to_the_thread_altogether(writer, disk, clock):
    batch = begin(writer, clock, MAX_STAGED + 1)
    assert (batch.done, batch.records) == (False, ())
    writer.finish(batch)
    assert len(disk.records) == MAX_STAGED + 1
    assert verify(disk.records).intact


def test_a_store_that_does_not_stage_is_appended_to_on_the_thread(clock):
    store = MemoryEventStore()
    writer = LogWriter(store, Sealer(SeededEntropy(1), seq=0, chain=GENESIS), clock, 0)
    assert not writer.is_quick
    batch = begin(writer, clock)
    assert not batch.done
    writer.finish(batch)
    assert len(store.records) == 1


@pytest.mark.parametrize("slow", [False, True], ids=["on the loop", "on the thread"])
def test_a_commit_that_fails_is_told_wherever_it_was_waited_for(disk, clock, slow):
    async def main():
        sealer = Sealer(SeededEntropy(1), seq=0, chain=GENESIS)
        journal = Journal(disk, sealer, clock)
        journal.start()
        disk.took = 5 * QUICK if slow else 0
        await journal.write(drafts(clock))
        disk.broken = True
        with pytest.raises(Exception, match="the disk refused"):
            await journal.write(drafts(clock))
        disk.broken = False
        journal.reopen(disk.head())
        await asyncio.gather(*(journal.write(drafts(clock, 2)) for _ in range(5)))
        await journal.close()

    asyncio.run(main())
    assert len(disk.records) == 11
    assert verify(disk.records).intact
