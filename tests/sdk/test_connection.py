"""Where the client finds the daemon, and what it never shows."""

from __future__ import annotations

import pytest

from ratelord import AsyncClient, Client, Registration
from ratelord.connection import resolve


def test_without_any_setting_it_is_the_local_default():
    assert resolve().where == "http://127.0.0.1:8090"


def test_arguments_beat_the_environment(monkeypatch):
    monkeypatch.setenv("RATELORD_URL", "http://one.example:1")
    assert resolve().url == "http://one.example:1"
    assert resolve("http://localhost:2").url == "http://localhost:2"


def test_the_address_for_clients_beats_the_daemon_s_socket(monkeypatch):
    monkeypatch.setenv("RATELORD_SOCKET", "/run/ratelord.sock")
    assert resolve().where == "unix:/run/ratelord.sock"
    monkeypatch.setenv("RATELORD_URL", "http://127.0.0.1:9")
    assert resolve().where == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8090", "ftp://x", "http://", "http://one.example:99999", "http://[::"]
)
def test_what_is_no_address_is_refused_with_an_example(url):
    with pytest.raises(ValueError, match="write it like"):
        resolve(url)


def test_a_password_in_the_address_is_refused_without_repeating_it():
    with pytest.raises(ValueError, match="RATELORD_TOKEN") as refused:
        resolve("https://one.example".replace("one", "me:hunter2@one"))
    assert "hunter2" not in str(refused.value)


def test_a_token_that_cannot_be_one_is_refused_without_repeating_it():
    with pytest.raises(ValueError, match="RATELORD_TOKEN") as refused:
        resolve(token="hunter2\nX-Evil: 1")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_the_token_is_in_no_representation(client):
    made = client(token="hunter2")
    assert "hunter2" not in repr(made) + repr(made.connection) + str(made.connection)


def test_a_generated_token_is_in_no_representation():
    assert "hunter2" not in repr(Registration("pat:me", "registered", token="hunter2"))


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1", True),
        ("http://[::1]:1", True),
        ("http://localhost", True),
        ("https://ratelord.example", False),
        ("http://two.example", False),
    ],
)
def test_a_local_daemon_is_never_reached_through_a_proxy(url, local):
    assert resolve(url).local is local
