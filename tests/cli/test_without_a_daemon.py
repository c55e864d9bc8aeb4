"""Verbs that need no daemon: policy check, plugins, events verify, doctor, config show, version."""

from __future__ import annotations

import os
import socket

import pytest

from ratelord_core import plugins
from ratelord_core.clock import SeededEntropy
from ratelord_core.events.codec import Sealer
from ratelord_core.events.envelope import Draft
from ratelord_core.events.payloads import SystemStarted
from ratelord_core.model.ids import uuid7

GOOD = """
providers:
  mock: [{id: m, pools: {default: {limit: 10, window: {kind: fixed, every: 60s}}}}]
policies:
  - {id: p, scope: global, type: hard, rules: [{name: r, condition: "remaining < 3", action: deny}]}
"""


@pytest.fixture
def log(tmp_path):
    """A log with three events, closed."""
    path = tmp_path / "ratelord.db"
    store = plugins.load().named("ratelord_register_stores")["sqlite"].open_events(path)
    head, entropy = store.head(), SeededEntropy()
    sealer = Sealer(entropy, seq=head.seq, chain=head.chain)
    now = 1_767_225_600_000_000
    drafts = [
        Draft(uuid7(now + i, entropy), now + i, SystemStarted(version=str(i))) for i in range(3)
    ]
    store.append([sealer.seal(draft, draft.ts_event) for draft in drafts])
    store.close()
    return path


def test_a_good_policy_is_counted(ratelord, tmp_path):
    (tmp_path / "policy.yaml").write_text(GOOD)
    ran = ratelord("policy", "check", "policy.yaml")
    assert ran.code == 0
    assert "1 provider, no pools, 1 rule" in ran.out
    assert ratelord("policy", "check", "--json").json["valid"] is True, "found by itself"


def test_a_bad_policy_is_told_by_line_and_column(ratelord, tmp_path):
    (tmp_path / "bad.yaml").write_text(GOOD.replace("remaining", "remainin"))
    ran = ratelord("policy", "check", "bad.yaml")
    assert ran.code == 1
    assert "bad.yaml:5:" in ran.out
    assert "remaining" in ran.out
    found = ratelord("policy", "check", "bad.yaml", "--json").json
    assert found["valid"] is False
    assert found["errors"][0]["line"] == 5


def test_an_option_that_its_provider_does_not_know_is_told_too(ratelord, tmp_path):
    (tmp_path / "bad.yaml").write_text(GOOD.replace("pools:", "pols:", 1))
    ran = ratelord("policy", "check", "bad.yaml")
    assert ran.code == 1
    assert "pols" in ran.out + ran.err


def test_shares_of_a_providers_pool_that_cannot_have_any_are_told_with_their_place(
    ratelord, tmp_path
):
    (tmp_path / "policy.yaml").write_text("""\
providers:
  mock: [{id: m, pools: {f: {limit: 9, window: {kind: fixed, every: 1m}}, b: {limit: 9, window: {kind: bucket, every: 1m}}}}]
  openai: [{id: o, token_env_var: OPENAI_API_KEY}]
pools:
  - {id: m/f, shares: {"agent:x": 20}}
  - {id: m/b, shares: {"agent:x": 20}}
  - {id: o/gpt-4o/tokens, shares: {"agent:x": 20}}
""")
    ran = ratelord("policy", "check")
    assert ran.code == 1
    assert "policy.yaml:6:23: pool m/b: a bucket window has no shares" in ran.out
    assert "policy.yaml:7:35: pool o/gpt-4o/tokens: a bucket window has no shares" in ran.out
    assert "m/f" not in ran.out
    (tmp_path / "policy.test.yaml").write_text("policy: policy.yaml\ncases: []\n")
    for others in (("policy", "test", "."), ("policy", "backtest", "--policy", "policy.yaml")):
        ran = ratelord(*others)
        assert ran.code == 1
        assert "policy.yaml:6:23: pool m/b: a bucket window has no shares" in ran.out + ran.err


def test_a_policy_file_that_is_not_there_is_one_line(ratelord):
    ran = ratelord("policy", "check", "nowhere.yaml")
    assert ran.code == 1
    assert ran.err == "ratelord: nowhere.yaml: No such file or directory; name one that is there\n"
    assert "ratelord policy check FILE" in ratelord("policy", "check").err


def test_plugins_are_listed_with_their_hooks(ratelord):
    ran = ratelord("plugins")
    assert ran.code == 0
    for name in ("sql", "networkx", "linear", "actions", "mock", "github"):
        assert name in ran.out
    listed = {row["name"]: row for row in ratelord("plugins", "list", "--json").json}
    assert listed["sql"]["hooks"] == ["ratelord_register_stores"]
    assert ratelord("plugins", "check").code == 0


def test_a_broken_plugin_is_named_with_the_way_around_it(ratelord, tmp_path, monkeypatch):
    broken = tmp_path / "broken-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (broken / "entry_points.txt").write_text("[ratelord]\nbroken = no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    ran = ratelord("plugins", "check")
    assert ran.code == 1
    assert "--without broken" in ran.out
    assert ratelord("plugins", "check", "--json").json["valid"] is False
    doctor = ratelord("doctor", "--port", "0")
    assert doctor.code == 1
    assert "--without broken" in doctor.out


def test_an_untouched_log_is_proven(ratelord, log):
    ran = ratelord("events", "verify", "--db", str(log))
    assert ran.code == 0
    assert "all 3 events are as written" in ran.out
    proof = ratelord("events", "verify", "--db", log.name, "--json").json
    assert proof["intact"] is True
    assert proof["count"] == proof["newest"]["seq"] == 3


def test_a_touched_log_is_caught(ratelord, log):
    import sqlite3

    with sqlite3.connect(log) as raw:
        for (trigger,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            raw.execute(f"DROP TRIGGER {trigger}")
        raw.execute("UPDATE events SET ts_ingest = ts_ingest + 1 WHERE seq = 2")
    raw.close()
    ran = ratelord("events", "verify", "--db", str(log))
    assert ran.code == 1
    assert "event 2 is not what was written" in ran.out


def test_a_log_that_is_not_there_is_one_line(ratelord):
    ran = ratelord("events", "verify", "--db", "nowhere.db")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "--db" in ran.err


def test_the_doctor_finds_nothing_wrong_in_an_empty_folder(ratelord):
    ran = ratelord("doctor", "--port", "0")
    assert ran.code == 0
    assert "✗" not in ran.out
    names = [line.split()[1] for line in ran.out.splitlines()]
    assert names == [
        "python", "clock", "folder", "disk", "plugins", "log", "policy", "address", "timeout", "secrets"
    ]  # fmt: skip


def test_the_doctor_opens_the_log(ratelord, log):
    ran = ratelord("doctor", "--db", str(log), "--port", "0")
    assert ran.code == 0
    assert "3 events, nobody has it open" in ran.out


def test_the_doctor_says_who_has_the_log(ratelord, log):
    store = plugins.load().named("ratelord_register_stores")["sqlite"].open_events(log)
    try:
        ran = ratelord("doctor", "--db", str(log), "--port", "0")
    finally:
        store.close()
    assert ran.code == 0
    assert str(os.getpid()) in ran.out


def test_the_doctor_finds_what_is_wrong_and_says_what_to_do(ratelord, tmp_path):
    (tmp_path / "ratelord.db").write_bytes(b"this is no database" * 100)
    (tmp_path / "policy.yaml").write_text("policies: 3\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        checks = ratelord("doctor", "--db", "ratelord.db", "--port", port, "--json").json
    failed = {check["name"]: check for check in checks["checks"] if check["state"] == "failed"}
    assert checks["ok"] is False
    assert set(failed) == {"log", "policy", "address"}
    assert all(check["next_step"] for check in failed.values())


def test_the_doctor_knows_a_folder_that_cannot_be_written(ratelord, tmp_path):
    (tmp_path / "file").write_text("")
    ran = ratelord("doctor", "--db", "file/sub/ratelord.db", "--port", "0")
    assert ran.code == 1
    assert "--db PATH" in ran.out


@pytest.mark.parametrize(
    ("words", "failed", "said"),
    [
        (("--db", "nowhere/ratelord.db"), "folder", "there is no folder"),
        (("--store", "tape"), "plugins", "there is no store 'tape' — choose one of sqlite"),
        (("--graph", "paper"), "plugins", "there is no graph 'paper' — choose one of networkx"),
        (("--without", "nobody"), "plugins", "--without nobody: no such plugin"),
    ],
)
def test_the_doctor_sees_what_a_start_would_stumble_over(ratelord, words, failed, said):
    ran = ratelord("doctor", "--port", "0", *words)
    assert ran.code == 1
    (line,) = [line for line in ran.out.splitlines() if line.startswith("✗")]
    assert line.split()[1] == failed
    assert said in line
    started = ratelord("up", "--port", "0", *words)
    assert started.code == 1


def test_the_doctor_sees_a_timeout_that_every_client_would_refuse(ratelord, monkeypatch):
    monkeypatch.setenv("RATELORD_TIMEOUT", "soon")
    ran = ratelord("doctor", "--port", "0")
    assert ran.code == 1
    (line,) = [line for line in ran.out.splitlines() if line.startswith("✗")]
    assert "RATELORD_TIMEOUT 'soon' is no time to wait" in line
    assert "write seconds above 0" in line


def test_the_doctor_mistrusts_a_clock_that_was_never_set():
    from ratelord_core.cli.checks import clock

    assert clock(0.0).state == "failed"
    assert clock(1_800_000_000.0).state == "ok"


def test_the_doctor_minds_a_secret_that_others_may_read(ratelord, tmp_path):
    folder = tmp_path / "config" / "ratelord"
    folder.mkdir(parents=True)
    file = folder / "config.toml"
    file.write_text('tls_key = "/dev/null"\ntls_cert = "/dev/null"\n')
    file.chmod(0o644)
    ran = ratelord("doctor", "--port", "0")
    assert "chmod 600" in ran.out


def test_every_setting_says_where_it_comes_from(ratelord, tmp_path, monkeypatch):
    folder = tmp_path / "config" / "ratelord"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('log_level = "debug"\nport = 1\nhost = "localhost"\n')
    monkeypatch.setenv("RATELORD_PORT", "2")
    monkeypatch.setenv("RATELORD_HOST", "127.0.0.1")
    monkeypatch.setenv("RATELORD_TOKEN", "hunter2")
    ran = ratelord("config", "show", "--host", "::1", "--json")
    rows = {row["setting"]: row for row in ran.json}
    assert (rows["host"]["value"], rows["host"]["from"]) == ("::1", "flag")
    assert (rows["port"]["value"], rows["port"]["from"]) == (2, "environment")
    assert (rows["log_level"]["value"], rows["log_level"]["from"].endswith("config.toml")) == (
        "debug",
        True,
    )
    assert rows["auth"]["from"] == "default"
    assert rows["token"]["value"] == "••••••"
    assert "hunter2" not in ran.out + ratelord("config", "show").out


def test_a_setting_that_nobody_knows_is_refused(ratelord, tmp_path):
    folder = tmp_path / "config" / "ratelord"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("prot = 1\n")
    ran = ratelord("config", "show")
    assert ran.code == 1
    assert "config.toml: no setting is called 'prot'; known: db_path" in ran.err


def test_a_zero_is_a_value(ratelord):
    rows = {row["setting"]: row for row in ratelord("config", "show", "--port", "0", "--json").json}
    assert rows["port"]["value"] == 0


def test_a_setting_that_cannot_be_is_one_line(ratelord, monkeypatch):
    monkeypatch.setenv("RATELORD_PORT", "many")
    ran = ratelord("config", "show")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "RATELORD_PORT" in ran.err


def test_the_version_is_told(ratelord):
    from ratelord_core import __version__

    assert __version__ in ratelord("version").out
    assert ratelord("version", "--json").json["version"] == __version__
    assert ratelord("--version").out.strip() == __version__


SUSPICIOUS = GOOD.replace("remaining < 3", "remaining < 0")


def test_what_is_most_likely_not_meant_is_a_warning_and_with_strict_a_failure(ratelord, tmp_path):
    (tmp_path / "odd.yaml").write_text(SUSPICIOUS)
    ran = ratelord("policy", "check", "odd.yaml")
    assert ran.code == 0
    assert "odd.yaml:5:69: warning: condition of rule 'r' never holds" in ran.out
    assert "1 warning." in ran.out
    strict = ratelord("policy", "check", "odd.yaml", "--strict", "--json")
    assert strict.code == 1
    assert strict.json["valid"] is True
    assert [one["severity"] for one in strict.json["warnings"]] == ["warning"]
    (tmp_path / "good.yaml").write_text(GOOD)
    assert ratelord("policy", "check", "good.yaml", "--strict").code == 0
