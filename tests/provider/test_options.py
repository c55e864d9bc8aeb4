"""Options that a provider plugin does not know are refused with the nearest that it does."""

from __future__ import annotations

import pytest

from ratelord_core.errors import SettingsError
from ratelord_core.model.config import ProviderConfig
from ratelord_core.provider import bad_option, check_options


def config(**options: object) -> ProviderConfig:
    return ProviderConfig(plugin="mine", id="mine-1", options=dict(options))


def test_known_options_pass() -> None:
    check_options(config(region="eu"), ("region", "tier"))


def test_an_unknown_option_is_named_with_the_nearest_known_one() -> None:
    with pytest.raises(
        SettingsError, match="mine-1: mine has no option 'regoin'; did you mean 'region'"
    ):
        check_options(config(regoin="eu"), ("region", "tier"))


def test_without_a_near_one_all_are_listed() -> None:
    with pytest.raises(SettingsError, match="it knows region, tier"):
        check_options(config(zzz=1), ("tier", "region"))


def test_an_option_inside_another_is_named_by_its_path() -> None:
    with pytest.raises(SettingsError, match=r"'pools\.a\.limt'; did you mean 'limit'"):
        check_options(config(), ("limit",), {"limt": 5}, "pools.a")


def test_a_wrong_value_is_shown_with_what_would_be_right() -> None:
    error = bad_option(config(), "tier", 7, "give a name")
    assert str(error) == "provider mine-1: tier is 7; give a name"
