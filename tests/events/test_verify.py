"""Tampering with any column, in any way, is found, and the first bad place is named."""

import sqlite3

import msgspec
import pytest

from ratelord_core.clock import SeededEntropy
from ratelord_core.events.codec import Sealer
from ratelord_core.events.payloads import SystemStopped
from ratelord_core.events.record import GENESIS, chain_of, digest_of
from ratelord_core.events.verify import BEGINNING, Anchor, check_link, verify
from ratelord_core.store import EventQuery
from ratelord_core.testing.memory_store import MemoryEventStore
from ratelord_core.testing.records import Scribe
from ratelord_sql.plugin import SqliteStores

LOG = Scribe().day(10)
PLACE = 20
TOUCHED = LOG[PLACE - 1]


def tampered(**changes):
    """The log with one record changed."""
    log = list(LOG)
    log[PLACE - 1] = msgspec.structs.replace(TOUCHED, **changes)
    return log


def rewritten(body):
    """The log with a body changed by somebody who can compute digests and chains too."""
    log, chain = [], GENESIS
    for record in LOG:
        stored = body if record.seq == PLACE else record.body
        digest = digest_of(
            record.salt,
            record.event_id,
            record.correlation_id,
            record.event_type,
            record.ts_ingest,
            stored,
        )
        chain = chain_of(chain, record.seq, digest)
        log.append(msgspec.structs.replace(record, body=stored, chain=chain))
    return log


def test_a_log_as_written_is_intact():
    report = verify(LOG)
    assert report.intact
    assert (report.count, report.redacted) == (len(LOG), 0)
    assert report.newest == Anchor(LOG[-1].seq, LOG[-1].chain, LOG[-1].ts_ingest)


def test_an_empty_log_is_intact():
    assert verify([]).newest == BEGINNING


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"seq": 21}, "gap"),
        ({"seq": 19}, "gap"),
        ({"event_id": bytes(16)}, "chain"),
        ({"event_type": "intent_reported"}, "chain"),
        ({"ts_ingest": TOUCHED.ts_ingest + 1}, "chain"),
        ({"ts_ingest": LOG[0].ts_ingest}, "time"),
        ({"ts_ingest": 2**70}, "type"),
        ({"correlation_id": b"c" * 16}, "chain"),
        ({"correlation_id": b""}, "chain"),
        ({"body": TOUCHED.body.replace(b"sentinel", b"somebody")}, "chain"),
        ({"body": b"[]"}, "chain"),
        ({"body": b""}, "chain"),
        ({"body": "text"}, "type"),
        ({"salt": bytes(16)}, "chain"),
        ({"salt": b""}, "chain"),
        ({"salt": None}, "type"),
        ({"chain": bytes(32)}, "chain"),
        ({"chain": b""}, "chain"),
        ({"digest": TOUCHED.proof()}, "digest"),
        ({"digest": bytes(32), "salt": b""}, "chain"),
        ({"event_type": None}, "type"),
    ],
)
def test_a_changed_column_is_found_at_its_place(changes, kind):
    report = verify(tampered(**changes))
    assert report.fault is not None
    assert report.fault.kind == kind
    assert report.fault.seq == changes.get("seq", PLACE)
    assert (report.count, report.newest.seq) == (PLACE - 1, PLACE - 1)


@pytest.mark.parametrize("bit", range(0, 128, 7))
def test_a_single_bit_of_a_body_is_enough(bit):
    body = bytearray(TOUCHED.body)
    body[bit // 8] ^= 1 << bit % 8
    assert verify(tampered(body=bytes(body))).fault is not None


def test_a_deleted_event_leaves_a_gap():
    report = verify(LOG[: PLACE - 1] + LOG[PLACE:])
    assert report.fault is not None
    assert (report.fault.kind, report.fault.seq) == ("gap", PLACE + 1)
    assert f"event {PLACE} was expected" in report.fault.detail


def test_a_missing_beginning_is_a_gap():
    assert verify(LOG[3:]).fault is not None


def test_events_in_another_order_are_found():
    log = list(LOG)
    log[4], log[5] = log[5], log[4]
    report = verify(log)
    assert report.fault is not None
    assert (report.fault.kind, report.count) == ("gap", 4)


def test_events_renumbered_into_another_order_are_found():
    log = list(LOG)
    log[4] = msgspec.structs.replace(LOG[5], seq=5)
    log[5] = msgspec.structs.replace(LOG[4], seq=6)
    report = verify(log)
    assert report.fault is not None
    assert report.fault.seq == 5


def test_a_repeated_event_is_found():
    assert verify([*LOG[:5], *LOG[4:]]).fault is not None


def test_a_changed_event_is_not_excused_by_a_new_chain_from_there_on():
    log = rewritten(TOUCHED.body.replace(b"sentinel", b"somebody"))
    trusted = Anchor(LOG[29].seq, LOG[29].chain, LOG[29].ts_ingest)
    assert verify(log).intact, "whoever may rewrite everything is only caught by an anchor"
    assert verify(log[30:], trusted).fault is not None


def test_a_body_that_cannot_be_read_is_found_even_if_the_chain_is_right():
    report = verify(rewritten(b'[1,0,1,["daemon"]]'))
    assert report.fault is not None
    assert (report.fault.seq, report.fault.kind) == (PLACE, "body")


def test_a_cut_off_tail_is_not_seen_by_the_chain_but_by_what_was_noted_elsewhere():
    noted = verify(LOG).newest
    cut = verify(LOG[:-3])
    assert cut.intact
    assert cut.newest.seq < noted.seq
    assert cut.newest != noted


def test_verification_goes_on_from_a_trusted_place():
    half = verify(LOG[:25])
    rest = verify(LOG[25:], half.newest)
    assert (half.count + rest.count, rest.newest) == (len(LOG), verify(LOG).newest)


def test_a_wrong_anchor_is_a_fault():
    assert verify(LOG[25:], Anchor(25, bytes(32))).fault is not None


def test_a_redacted_event_is_counted_and_proven_by_its_kept_digest():
    blank = (
        Sealer(SeededEntropy(), seq=0, chain=GENESIS).seal(Scribe().draft(SystemStopped()), 1).body
    )
    report = verify(
        tampered(body=blank, salt=b"", digest=TOUCHED.proof(), event_type="system_stopped")
    )
    assert report.intact, "a kept digest proves the place, no longer the columns"
    assert report.redacted == 1


def test_an_event_of_a_newer_version_is_no_fault():
    assert verify(rewritten(TOUCHED.body.replace(b"[1,", b"[9,", 1))).intact


def test_verification_keeps_nothing_in_memory():
    def endless():
        scribe = Scribe()
        for _ in range(3000):
            yield from scribe.decision()

    assert verify(endless()).count == 6000


def test_a_link_can_be_checked_without_reading_the_body():
    log = rewritten(b"nonsense")
    before = Anchor(PLACE - 1, log[PLACE - 2].chain, log[PLACE - 2].ts_ingest)
    assert check_link(log[PLACE - 1], before) is None


TAMPERING = [
    "UPDATE events SET event_id = zeroblob(16) WHERE seq = 20",
    "UPDATE events SET event_type = 'hold_expired' WHERE seq = 20",
    "UPDATE events SET ts_ingest = ts_ingest + 1 WHERE seq = 20",
    "UPDATE events SET ts_ingest = 'noon' WHERE seq = 20",
    "UPDATE events SET correlation_id = zeroblob(16) WHERE seq = 20",
    "UPDATE events SET body = replace(body, 'global', 'GLOBAL') WHERE seq = 20",
    "UPDATE events SET body = CAST(body AS TEXT) WHERE seq = 20",
    "UPDATE events SET body = 7 WHERE seq = 20",
    "UPDATE events SET salt = zeroblob(16) WHERE seq = 20",
    "UPDATE events SET chain = zeroblob(32) WHERE seq = 20",
    "UPDATE events SET digest = zeroblob(32) WHERE seq = 20",
    "UPDATE events SET seq = 1000 WHERE seq = 20",
    "DELETE FROM events WHERE seq = 20",
]


@pytest.mark.parametrize("attack", TAMPERING)
def test_tampering_in_the_database_is_found(tmp_path, attack):
    stores, path = SqliteStores(), tmp_path / "events.db"
    store = stores.open_events(path)
    store.append(LOG)
    store.close()
    with sqlite3.connect(path) as attacker:
        for trigger in ("events_never_change", "events_stay"):
            attacker.execute(f"DROP TRIGGER {trigger}")
        assert attacker.execute(attack).rowcount == 1
    attacker.close()
    beside = stores.open_events(path, exclusive=False)
    report = verify(beside.read(EventQuery()))
    beside.close()
    assert report.fault is not None
    assert report.count == 19


def test_a_store_in_memory_verifies_too():
    store = MemoryEventStore()
    store.append(LOG)
    assert verify(store.read(EventQuery())).intact
