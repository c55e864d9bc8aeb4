"""Secrets are fetched when needed, from where a reference points, and shown to nobody."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from ratelord_core.errors import SettingsError
from ratelord_core.secrets import check_reference, resolve, resolver

SECRET = "hush-hush-0123456789"


def test_no_reference_means_no_secret() -> None:
    assert resolver(None)() is None


def test_an_environment_variable_is_read_at_every_call() -> None:
    environment = {"TOKEN": SECRET}
    fetch = resolver("env:TOKEN", environment)
    assert fetch() == SECRET
    environment["TOKEN"] = "rotated"
    assert fetch() == "rotated"


def test_a_file_is_read_at_every_call_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n", encoding="utf-8")
    fetch = resolver(f"file:{file}")
    assert fetch() == SECRET
    file.write_text("rotated", encoding="utf-8")
    assert fetch() == "rotated"


def test_a_keyring_entry_is_named_by_service_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {("github", "team/a"): SECRET}
    backend = types.ModuleType("keyring")
    backend.get_password = lambda *key: entries.get(key)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", backend)
    assert resolve("keyring:github/team/a") == SECRET
    with pytest.raises(SettingsError, match="keyring:github/b is not set"):
        resolve("keyring:github/b")


def test_a_keyring_that_fails_is_named_without_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*key: str) -> str:
        raise RuntimeError(SECRET)

    backend = types.ModuleType("keyring")
    backend.get_password = fail  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", backend)
    with pytest.raises(SettingsError, match="RuntimeError") as caught:
        resolve("keyring:github/a")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_keyring_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SettingsError, match=r"ratelord\[keyring\]"):
        resolve("keyring:github/a")


@pytest.mark.parametrize(
    "reference",
    [SECRET, "", "env:", "env:A B", "env:A-B", "file:", "keyring:x", "vault:x", "env:A\n"],
)
def test_what_is_no_reference_is_refused_without_being_shown(reference: str) -> None:
    with pytest.raises(
        SettingsError, match="env:NAME, file:PATH or keyring:SERVICE/NAME"
    ) as caught:
        resolver(reference)
    assert SECRET not in str(caught.value)


def test_the_form_of_a_reference_is_checked_without_fetching() -> None:
    assert check_reference("file:/nowhere/at/all") == "file:/nowhere/at/all"


@pytest.mark.parametrize("value", ["", "  \n"])
def test_an_empty_secret_is_not_set(value: str) -> None:
    with pytest.raises(SettingsError, match="env:TOKEN is not set or empty"):
        resolve("env:TOKEN", {"TOKEN": value})


@pytest.mark.parametrize("tail", ["\nX-Header: y", "\x00", "é"])
def test_a_secret_that_no_header_can_carry_is_refused_unseen(tail: str) -> None:
    with pytest.raises(SettingsError, match="store only the token") as caught:
        resolve("env:TOKEN", {"TOKEN": f"{SECRET}{tail}x"})
    assert SECRET not in str(caught.value)


def test_files_that_hold_no_token_are_refused_unseen(tmp_path: Path) -> None:
    huge, binary = tmp_path / "huge", tmp_path / "binary"
    huge.write_bytes(SECRET.encode() * 10_000)
    binary.write_bytes(SECRET.encode() + b"\xff\xfe")
    for file in (huge, binary, tmp_path / "missing", tmp_path):
        with pytest.raises(SettingsError, match=file.name) as caught:
            resolve(f"file:{file}")
        assert SECRET not in str(caught.value)
