"""``ratelord federation``: two processes, one that answers and one that measures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ratelord_core import plugins
from ratelord_core.cli import linking
from ratelord_core.cli.app import run
from ratelord_core.errors import LeaderMoved, PluginError
from ratelord_core.model.instant import MINUTE
from ratelord_core.testing.raw_server import RawServer, saying, silent
from ratelord_core.transport import Address, Security
from ratelord_federation.plugin import HttpFactory

TOKEN = linking.VARIABLE


@contextlib.contextmanager
def serving(*words: str, **environment: str) -> Iterator[str]:
    """``ratelord federation serve`` in a process of its own, until the block ends: its address."""
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    process = subprocess.Popen(
        [sys.executable, "-m", "ratelord_core.cli", "federation", "serve", *words],
        stdout=subprocess.PIPE,
        text=True,
        env=clean | environment,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        yield json.loads(line)["listening"] if "--json" in words else line.split()[-1]
    finally:
        process.terminate()
        assert process.wait(60) == 0
        process.stdout.close()


@pytest.fixture(scope="module")
def leader() -> Iterator[str]:
    """A place that wants a credential."""
    with serving("http://127.0.0.1:0", "--json", **{TOKEN: "s3cret"}) as address:
        yield address


def ping(capsys: Any, *words: str) -> tuple[int, dict[str, Any]]:
    """The exit code and what was told."""
    code = run(["federation", "ping", *words, "--json", "--timeout", "60"])
    return code, json.loads(capsys.readouterr().out)


def test_a_link_is_proven_and_measured(leader, capsys, monkeypatch) -> None:
    monkeypatch.setenv(TOKEN, "s3cret")

    code, told = ping(capsys, leader, "--count", "20", "--bytes", "1000")

    assert code == 0
    assert (told["sent"], told["answered"], told["bytes"]) == (20, 20, 1000)
    assert (told["address"], told["transport"]) == (leader, "http")
    trips = told["round_trip_ms"]
    assert 0 < trips["min"] <= trips["p50"] <= trips["p90"] <= trips["max"]
    assert told["failures"] == {}


def test_it_is_told_in_words_too(leader, capsys, monkeypatch) -> None:
    monkeypatch.setenv(TOKEN, "s3cret")

    assert run(["federation", "ping", leader, "--count", "1", "--timeout", "60"]) == 0

    said = capsys.readouterr().out
    assert f"{leader} answered 1 of 1 over http" in said
    assert "p90" in said


def test_another_credential_is_turned_away_at_once(leader, capsys, monkeypatch) -> None:
    monkeypatch.setenv(TOKEN, "0ther-s3cret")

    code, told = ping(capsys, leader)

    assert code == 1
    assert (told["sent"], told["answered"], told["failures"]) == (1, 0, {"turned_away": 1})
    assert "s3cret" not in json.dumps(told)


def test_without_anybody_there_the_exit_code_says_so(capsys) -> None:
    with serving("http://127.0.0.1:0") as address:
        assert ping(capsys, address, "--count", "1")[0] == 0

    code, told = ping(capsys, address)

    assert code == 4
    assert told["failures"] == {"nobody_there": 1}
    assert told["round_trip_ms"] == {}
    assert run(["federation", "ping", address]) == 4
    assert "nobody_there 1: nobody answers at" in capsys.readouterr().out


def test_who_is_too_slow_is_given_up(capsys) -> None:
    with RawServer(silent) as server:
        words = ["federation", "ping", server.url, "--count", "2", "--timeout", "0.1", "--json"]
        assert run(words) == 4
    assert json.loads(capsys.readouterr().out)["failures"] == {"too_late": 2}


def test_what_answers_something_else_has_failed(capsys) -> None:
    with RawServer(saying(200, b"hello")) as server:
        code, told = ping(capsys, server.url, "--count", "2")
    assert code == 1
    assert told["failures"] == {"peer_failed": 2}
    assert "something else" in told["error"]


def test_a_leader_that_moved_is_named(capsys) -> None:
    async def moved(_topic: str, _body: bytes) -> bytes:
        raise LeaderMoved("http://b.example:8092")

    async def play() -> linking.Trial:
        transport = HttpFactory().build(Security())
        served = await transport.serve(Address("http://127.0.0.1:0"), moved)
        try:
            return await linking.try_link(transport, served.address, count=5, size=1, within=MINUTE)
        finally:
            await served.aclose()

    trial = asyncio.run(play())
    assert (trial.failures, trial.exit_code) == ({"leader_moved": 1}, 1)
    assert "http://b.example:8092" in trial.said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ping", "http://u:s3cret@127.0.0.1:1"], f"set {TOKEN}"),
        (["serve", "http://u:s3cret@127.0.0.1:1"], f"set {TOKEN}"),
        (["ping", "127.0.0.1:1"], "has no scheme"),
        (["ping", "pigeon://127.0.0.1:1"], "known are http://, https://"),
        (["ping", "http://127.0.0.1:1", "--count", "0"], "--count"),
        (["ping", "http://127.0.0.1:1", "--timeout", "0"], "--timeout"),
        (["ping", "http://127.0.0.1:1", "--bytes", "999999"], "--bytes"),
        (["ping", "http://127.0.0.1:1", "--without", "federation"], "known are none"),
    ],
)
def test_what_was_mistyped_is_said(words: list[str], said: str, capsys) -> None:
    assert run(["federation", *words]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert said in told
    assert "s3cret" not in told


def test_a_place_that_others_could_use_is_refused_with_the_flag(capsys) -> None:
    assert run(["federation", "serve", "http://0.0.0.0:0"]) == 1
    assert "--insecure" in capsys.readouterr().err


def test_the_transport_comes_through_ratelord_register_transports() -> None:
    found = plugins.load().named("ratelord_register_transports")
    assert found["http"].schemes == ("http", "https")


def test_two_transports_of_one_scheme_are_told_apart_by_name() -> None:
    class Rival:
        name = "rival"
        schemes = ("https",)

        def build(self, security: Security) -> None: ...

    class Module:
        @staticmethod
        @plugins.hookspecs.hookimpl
        def ratelord_register_transports() -> list[Rival]:
            return [Rival()]

    loaded = plugins.load(extra=[("rival", Module())])
    with pytest.raises(PluginError, match="--without rival"):
        linking.transport_for(loaded, Address("http://h.example:1"), Security())
