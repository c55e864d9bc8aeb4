"""The plugin arrives through its hook, like a stranger's."""

from __future__ import annotations

from ratelord_core import plugins
from ratelord_github.plugin import GithubFactory


def test_it_registers_one_kind_of_provider_under_its_name() -> None:
    found = plugins.load().named("ratelord_register_providers")
    assert isinstance(found["github"], GithubFactory)


def test_it_can_be_left_out() -> None:
    found = plugins.load(without=["github"]).named("ratelord_register_providers")
    assert "github" not in found
