"""The daemon finds the plugin, and gets from it what it should."""

from ratelord_core.testing.installed import loaded


def test_the_plugin_is_found_and_implements_its_hook():
    assert "ratelord_register_policy_actions" in loaded("brownout").hooks
