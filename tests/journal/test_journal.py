"""Many callers, one durable append, then their answers."""

import asyncio
import logging
import sqlite3
from itertools import pairwise
from zlib import crc32

import pytest
import uvloop

from ratelord_core.clock import SeededEntropy, SteppedClock
from ratelord_core.errors import StoreError, Unavailable
from ratelord_core.events.codec import Sealer
from ratelord_core.events.envelope import Draft
from ratelord_core.events.payloads import PolicyTriggered, SystemStopped, Unknown
from ratelord_core.events.verify import verify
from ratelord_core.journal import MAX_WRITES, Journal
from ratelord_core.model.ids import uuid7
from ratelord_core.store import EventQuery
from ratelord_core.testing.memory_store import MemoryEventStore
from ratelord_sql.plugin import SqliteStores


@pytest.fixture
def clock():
    return SteppedClock()


@pytest.fixture
def store(tmp_path):
    store = SqliteStores().open_events(tmp_path / "events.db")
    yield store
    store.close()


def sealer_for(store):
    head = store.head()
    return Sealer(SeededEntropy(1), seq=head.seq, chain=head.chain)


def journal_for(store, clock, **options):
    journal = Journal(store, sealer_for(store), clock, **options)
    journal.start()
    return journal


def drafts(clock, name, count=1):
    """Events that say who wanted them."""
    entropy = SeededEntropy(crc32(name.encode()))
    return [
        Draft(
            uuid7(clock.now(), entropy),
            clock.now(),
            PolicyTriggered(policy_id=name, rule=str(index), action="deny"),
        )
        for index in range(count)
    ]


def run(main):
    """On the loop that the daemon runs on."""
    return uvloop.run(main)


def names(records):
    return [record.body.split(b'"policy_id":"')[1].split(b'"')[0].decode() for record in records]


def test_a_write_is_answered_with_its_records_once_they_are_in_the_log(store, clock):
    async def main():
        journal = journal_for(store, clock)
        records = await journal.write(drafts(clock, "a", 3))
        assert list(store.read(EventQuery())) == list(records)
        assert [record.seq for record in records] == [1, 2, 3]
        await journal.close()

    run(main())


def test_hundreds_of_callers_are_written_in_the_order_of_their_calls(store, clock):
    async def main():
        journal = journal_for(store, clock)
        called = []

        async def caller(number):
            for turn in range(5):
                await asyncio.sleep(0)
                name = f"{number}.{turn}"
                called.append(name)
                records = await journal.write(drafts(clock, name, 2))
                assert names(records) == [name, name]
                assert records[1].seq == records[0].seq + 1

        await asyncio.gather(*(caller(number) for number in range(300)))
        await journal.close()
        logged = list(store.read(EventQuery()))
        assert names(logged) == [name for name in called for _ in range(2)]
        assert verify(logged).intact
        return journal

    journal = run(main())
    assert journal.seq == 3000
    assert journal.batches < 1500 / 10, "callers did not share commits"


def test_callers_of_one_turn_share_one_commit(store, clock):
    async def main():
        journal = journal_for(store, clock)
        await asyncio.gather(*(journal.write(drafts(clock, str(n))) for n in range(100)))
        assert (journal.batches, journal.last_batch, journal.seq) == (1, 100, 100)
        await journal.close()

    run(main())


def test_a_crowd_is_split_so_that_its_first_need_not_wait_for_its_last(store, clock):
    async def main():
        journal = journal_for(store, clock)
        crowd = [journal.write(drafts(clock, str(n))) for n in range(MAX_WRITES + 1)]
        assert journal.queued == MAX_WRITES + 1
        await asyncio.gather(*crowd)
        assert (journal.batches, journal.last_batch, journal.queued) == (2, 1, 0)
        await journal.close()

    run(main())


def test_a_crowd_does_not_overtake_those_who_came_before_it(clock):
    async def main():
        store = MemoryEventStore()
        journal = journal_for(store, clock)
        first = [journal.write(drafts(clock, f"first {n}")) for n in range(MAX_WRITES * 2)]
        await first[0]
        late = journal.write(drafts(clock, "late"))
        await late
        assert names(store.records)[-1] == "late"
        await journal.close()

    run(main())


def test_time_in_the_log_never_goes_back_not_even_over_a_restart(store):
    async def write(clock, name):
        journal = journal_for(store, clock)
        await journal.write(drafts(clock, name))
        await journal.close()

    run(write(SteppedClock(2_000_000_000_000_000), "before"))
    run(write(SteppedClock(1_000_000_000_000_000), "after"))
    times = [record.ts_ingest for record in store.read(EventQuery())]
    assert times == [2_000_000_000_000_000] * 2


def test_the_log_goes_on_where_it_ended(store, clock):
    async def main():
        for name in "abc":
            journal = journal_for(store, clock)
            await journal.write(drafts(clock, name, 2))
            await journal.close()

    run(main())
    records = list(store.read(EventQuery()))
    assert names(records) == list("aabbcc")
    assert verify(records).intact


def test_a_caller_that_goes_away_does_not_take_its_events_along(store, clock):
    async def main():
        journal = journal_for(store, clock)

        async def caller(name):
            await journal.write(drafts(clock, name))

        tasks = [asyncio.create_task(caller(name)) for name in "abc"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(outcomes[1], asyncio.CancelledError)
        await journal.close()

    run(main())
    assert names(store.read(EventQuery())) == ["a", "b", "c"]


def test_listeners_hear_every_batch_in_order_and_after_the_callers(store, clock):
    async def main():
        journal, order = journal_for(store, clock), []
        journal.on_commit(lambda records: order.extend(f"heard {name}" for name in names(records)))

        async def caller(name):
            await journal.write(drafts(clock, name))
            order.append(f"answered {name}")

        await asyncio.gather(caller("a"), caller("b"))
        await caller("c")
        await journal.drain()
        assert order == ["answered a", "answered b", "heard a", "heard b", "answered c", "heard c"]
        await journal.close()

    run(main())


def test_a_listener_that_raises_is_logged_and_hurts_nobody(store, clock, caplog):
    async def main():
        journal, heard = journal_for(store, clock), []

        def broken(records):
            raise ZeroDivisionError("a broken listener")

        journal.on_commit(broken)
        journal.on_commit(heard.append)
        await journal.write(drafts(clock, "a"))
        await journal.write(drafts(clock, "b"))
        await journal.close()
        assert [names(records) for records in heard] == [["a"], ["b"]]

    run(main())
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert "a broken listener" in caplog.text


def test_a_listener_can_be_taken_off(store, clock):
    async def main():
        journal, heard = journal_for(store, clock), []
        take_off = journal.on_commit(heard.append)
        await journal.write(drafts(clock, "a"))
        await journal.drain()
        take_off()
        await journal.write(drafts(clock, "b"))
        await journal.close()
        assert len(heard) == 1

    run(main())


def test_writing_nothing_is_answered_with_nothing(store, clock):
    async def main():
        journal, heard = journal_for(store, clock), []
        journal.on_commit(heard.append)
        assert await journal.write([]) == ()
        await journal.close()
        assert heard == []

    run(main())


def test_closing_finishes_what_was_queued_and_takes_no_more(store, clock):
    async def main():
        journal, heard = journal_for(store, clock), []
        journal.on_commit(heard.extend)
        queued = [journal.write(drafts(clock, str(n))) for n in range(50)]
        await journal.close()
        assert all(write.done() for write in queued)
        assert len(heard) == 50
        with pytest.raises(Unavailable) as refusal:
            journal.write(drafts(clock, "late"))
        assert refusal.value.code == "shutting_down"
        await journal.close()

    run(main())
    assert store.head().seq == 50


def test_a_journal_takes_nothing_before_it_is_started(store, clock):
    journal = Journal(store, sealer_for(store), clock)
    with pytest.raises(Unavailable):
        journal.write([])


def test_a_sealer_that_does_not_stand_at_the_end_of_the_log_is_refused(store, clock):
    async def main():
        journal = journal_for(store, clock)
        await journal.write(drafts(clock, "a"))
        await journal.close()

    run(main())
    with pytest.raises(StoreError, match="event 1"):
        Journal(store, Sealer(SeededEntropy(), seq=0, chain=bytes(32)), clock)


def block(store):
    """Make the real database refuse the next append: another program holds its write lock."""
    intruder = sqlite3.connect(store.path, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    return intruder


@pytest.fixture
def impatient(tmp_path, monkeypatch):
    """A store that does not wait long for a lock."""
    monkeypatch.setattr("ratelord_sql.opening.BUSY_SECONDS", 0.01)
    store = SqliteStores().open_events(tmp_path / "impatient.db")
    yield store
    store.close()


def test_a_failure_reaches_everybody_who_waits_and_nothing_of_it_is_in_the_log(impatient, clock):
    store, failures = impatient, []

    async def main():
        journal = journal_for(store, clock, on_failure=failures.append)
        await journal.write(drafts(clock, "good"))
        intruder = block(store)
        lost = [journal.write(drafts(clock, f"lost {n}", 2)) for n in range(MAX_WRITES + 20)]
        outcomes = await asyncio.gather(*lost, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        assert {outcome.code for outcome in outcomes} == {"read_only"}
        assert all(isinstance(outcome.__cause__, StoreError) for outcome in outcomes)
        with pytest.raises(Unavailable, match="locked"):
            journal.write(drafts(clock, "too late"))
        assert failures == [journal.failed]
        assert journal.queued == 0
        intruder.execute("ROLLBACK")
        intruder.close()

        journal.reopen(store.head())
        assert journal.failed is None
        await journal.write(drafts(clock, "again"))
        await journal.close()

    run(main())
    records = list(store.read(EventQuery()))
    assert names(records) == ["good", "again"]
    assert verify(records).intact
    assert all(later.seq == sooner.seq + 1 for sooner, later in pairwise(records))


def test_the_owner_may_reopen_and_write_at_once_when_told_of_a_failure(impatient, clock):
    store = impatient

    async def main():
        intruder, again = block(store), []

        def on_failure(error):
            intruder.execute("ROLLBACK")
            intruder.close()
            journal.reopen(store.head())
            again.append(journal.write(drafts(clock, "again")))

        journal = journal_for(store, clock, on_failure=on_failure)
        with pytest.raises(Unavailable):
            await journal.write(drafts(clock, "lost"))
        await journal.drain()
        assert names(again[0].result()) == ["again"]
        await journal.close()

    run(main())


def test_an_event_that_cannot_be_encoded_fails_like_a_broken_store(store, clock):
    async def main():
        journal = journal_for(store, clock)
        unwritable = Draft(bytes(16), 0, Unknown(content={"x": object()}))
        with pytest.raises(Unavailable, match="cannot be written"):
            await journal.write([*drafts(clock, "fine"), unwritable])
        assert isinstance(journal.failed, StoreError)
        journal.reopen(store.head())
        await journal.write(drafts(clock, "again"))
        await journal.close()

    run(main())
    records = list(store.read(EventQuery()))
    assert names(records) == ["again"]
    assert verify(records).intact


def test_waiting_for_quiet_ends_when_the_journal_fails(impatient, clock):
    async def main():
        journal, intruder = journal_for(impatient, clock), block(impatient)
        journal.write([Draft(bytes(16), clock.now(), SystemStopped())])
        await asyncio.wait_for(journal.drain(), 60)
        assert journal.failed is not None
        intruder.close()
        await journal.close()

    run(main())


def test_a_loop_that_ends_early_leaves_no_thread_that_complains(store, clock):
    async def main():
        journal = journal_for(store, clock)
        journal.write(drafts(clock, "a"))
        await asyncio.sleep(0)
        return journal

    journal = run(main())
    journal._batches.put(None)
    journal._thread.join(60)
    assert not journal._thread.is_alive()
    assert store.head().seq == 1
