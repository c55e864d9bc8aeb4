"""Whose plugins may be loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratelord_core import plugins
from ratelord_core.errors import SettingsError
from ratelord_core.settings import load_settings
from ratelord_core.trust import AllowList, allow_list, parse

QUIET = """
    from ratelord_core import hookimpl

    @hookimpl
    def ratelord_register_verbs():
        return []
"""
LOUD = "raise RuntimeError('imported')"


def _state(name: str) -> tuple[str, str]:
    info = next(each for each in plugins.load().listed if each.name == name)
    return info.state, info.trust


def test_without_a_list_whatever_is_installed_is_loaded_and_called_unlisted(install):
    install("acme", QUIET)

    assert _state("acme") == ("loaded", "unlisted")
    assert _state("sql") == ("loaded", "built-in")


def test_what_the_list_does_not_name_is_not_even_imported(install, monkeypatch):
    install("acme", LOUD)
    monkeypatch.setenv("RATELORD_PLUGINS_ALLOW", "other-plugin")

    assert _state("acme") == ("not allowed", "unlisted")
    assert _state("sql") == ("loaded", "built-in")
    [info] = [each for each in plugins.survey() if each.name == "acme"]
    assert "'acme-ratelord' is not on the list" in info.error


def test_what_the_list_names_is_loaded_however_it_is_spelled(install, monkeypatch):
    install("acme", QUIET)
    monkeypatch.setenv("RATELORD_PLUGINS_ALLOW", "other, Acme_Ratelord")

    assert _state("acme") == ("loaded", "allowed")


def test_an_empty_list_leaves_the_built_in_ones_alone(install, monkeypatch):
    install("acme", LOUD)
    monkeypatch.setenv("RATELORD_PLUGINS_ALLOW", "")

    assert _state("acme") == ("not allowed", "unlisted")


def test_the_list_may_stand_in_the_configuration_file(
    install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    install("acme", LOUD)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "ratelord").mkdir()
    file = tmp_path / "ratelord" / "config.toml"
    file.write_text('plugins_allow = ["other"]\n', encoding="utf-8")

    assert _state("acme") == ("not allowed", "unlisted")
    assert load_settings().plugins_allow == ("other",)

    file.write_text("plugins_allow = 7\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="name distributions"):
        allow_list()


def test_the_setting_and_the_list_are_read_alike(monkeypatch):
    monkeypatch.setenv("RATELORD_PLUGINS_ALLOW", " a-plugin ,, b ")

    assert load_settings().plugins_allow == parse(" a-plugin ,, b ") == ("a-plugin", "b")


@pytest.mark.parametrize("value", [7, ["a", 1], {"a": 1}, None])
def test_what_is_no_list_of_names_is_refused(value):
    with pytest.raises(SettingsError, match="RATELORD_PLUGINS_ALLOW"):
        parse(value)


def test_nobody_is_let_in_by_having_a_name_like_ours():
    assert not AllowList([]).lets("ratelord-extra")
    assert AllowList([]).lets("RateLord")
