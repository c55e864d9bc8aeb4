"""The plugin arrives through its hook, like a stranger's."""

from __future__ import annotations

from ratelord_core import plugins
from ratelord_mock.plugin import MockFactory


def test_it_registers_one_kind_of_provider_under_its_name() -> None:
    found = plugins.load().named("ratelord_register_providers")
    assert isinstance(found["mock"], MockFactory)


def test_it_can_be_left_out() -> None:
    found = plugins.load(without=["mock"]).named("ratelord_register_providers")
    assert "mock" not in found
