"""What the demonstration shows for each thing that can happen, and what it does when it cannot play."""

from __future__ import annotations

import msgspec
import pytest

from ratelord import Decision
from ratelord_core.cli.daemon_process import DaemonDied, DaemonProcess
from ratelord_core.cli.demo.actors import Moment, PoolWatcher
from ratelord_core.cli.demo.scene import AGENTS, POLICY
from ratelord_core.cli.demo.show import JsonShow, PlainShow, Summary


@pytest.fixture
def decision(wire):
    return lambda name, **more: msgspec.convert(wire(name) | more, Decision)


def test_every_kind_of_moment_is_one_plain_line(decision, capsys):
    show = PlainShow()
    for moment in (
        Moment(0.5, "decision", "scout", "search", decision("approve")),
        Moment(1.0, "decision", "scout", "search", decision("wait")),
        Moment(1.5, "decision", "hasty", "draft", decision("deny")),
        Moment(3.5, "started", "scout", "search", decision("wait")),
        Moment(4.0, "dry", pool={"reset_at": None}),
        Moment(5.0, "full", pool={}),
    ):
        show.moment(moment)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["0.5", "1.0", "1.5", "3.5", "4.0", "5.0"]
    assert "✓ approved" in lines[0]
    assert "◷ wait      2.5 s: The pool is empty until its reset" in lines[1]
    assert "✗ denied    The pool is empty; ask again in 30 s" in lines[2]
    assert "→ started" in lines[3]
    assert "is empty" in lines[4]
    assert "was reset" in lines[5]


def test_answers_are_counted_and_silence_is_not_one(decision):
    summary = Summary()
    for name in ("approve", "approve", "wait", "deny"):
        summary.add(Moment(0.0, "decision", "a", "w", decision(name)))
    nobody = decision("deny", intent_id="", reason_code="daemon_unreachable")
    summary.add(Moment(0.0, "decision", "a", "w", nobody))
    summary.add(Moment(0.0, "dry", pool={}))
    assert summary.decisions == 4
    assert summary.seen["unanswered"] == 1


def test_the_end_says_what_was_seen_and_what_to_type_next(capsys):
    PlainShow().closing(Summary(), 3, True)
    out = capsys.readouterr().out
    assert "3 events, their chain is intact" in out
    assert "ratelord up" in out
    PlainShow().closing(Summary(), 3, False)
    assert "BROKEN" in capsys.readouterr().out


def test_the_beginning_introduces_everybody(capsys):
    PlainShow().opening("http://127.0.0.1:1")
    out = capsys.readouterr().out
    assert all(agent.name in out for agent in AGENTS)
    JsonShow().opening("http://127.0.0.1:1")
    assert '"kind":"opening"' in capsys.readouterr().out


def test_the_pool_is_noticed_when_it_runs_dry_and_when_it_is_full_again():
    levels = iter([4, 0, 0, 2, 8, 8])
    watcher = PoolWatcher(lambda: {"available": next(levels)}, limit=10)
    noticed = [watcher.notice(at) for at in range(6)]
    assert [moment and moment.kind for moment in noticed] == [
        None, "dry", None, None, "full", None
    ]  # fmt: skip


def test_the_policy_that_is_played_is_valid(ratelord, tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY)
    assert ratelord("policy", "check").code == 0


def test_a_daemon_that_dies_tells_its_last_words(tmp_path):
    daemon = DaemonProcess(tmp_path, policy="policies: 3\n")
    with pytest.raises(DaemonDied, match=r"policy\.yaml:1:"):
        daemon.start()
    assert not daemon.running


def test_a_daemon_that_stays_silent_is_not_waited_for(tmp_path):
    with pytest.raises(DaemonDied, match="did not get ready"):
        DaemonProcess(tmp_path, deadline=0.0).start()


def test_a_daemon_that_was_never_started_cannot_be_stopped(tmp_path):
    with pytest.raises(RuntimeError, match="start"):
        DaemonProcess(tmp_path).stop()


def test_a_demonstration_that_cannot_start_is_one_line(ratelord, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.executable", str(tmp_path / "no-python"))
    ran = ratelord("demo")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
