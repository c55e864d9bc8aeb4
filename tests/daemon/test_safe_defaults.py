"""What a daemon refuses to be started as, unless told that it is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratelord_core.errors import SettingsError
from ratelord_core.settings import load_settings

PUBLIC = "192.0.2.7"
TLS = {"tls_cert": Path("server.crt"), "tls_key": Path("server.key")}


@pytest.mark.parametrize("given", [{}, {"auth": "required"}, TLS, {"auth": "local", **TLS}])
def test_a_public_address_without_tokens_and_tls_is_refused_and_the_way_out_is_named(given) -> None:
    with pytest.raises(SettingsError, match="--allow-insecure-bind"):
        load_settings(host=PUBLIC, **given)


@pytest.mark.parametrize("given", [{"auth": "required", **TLS}, {"allow_insecure_bind": True}])
def test_with_both_or_by_express_wish_it_is_taken(given) -> None:
    assert load_settings(host=PUBLIC, **given).host == PUBLIC


def test_without_any_setting_it_listens_to_this_machine_only() -> None:
    assert load_settings().host == "127.0.0.1"
    assert load_settings().cors_origins == ()
    assert load_settings().debug is False


@pytest.mark.parametrize("written", ["a.example, b.example,", '["a.example", "b.example"]'])
@pytest.mark.parametrize("name", ["allowed_hosts", "cors_origins", "without"])
def test_a_variable_that_lists_takes_commas_as_well_as_json(
    name: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"RATELORD_{name.upper()}", written)

    assert getattr(load_settings(), name) == ("a.example", "b.example")


def test_a_variable_that_lists_nothing_readable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATELORD_CORS_ORIGINS", "[http://a.example]")

    with pytest.raises(SettingsError, match="RATELORD_CORS_ORIGINS"):
        load_settings()
