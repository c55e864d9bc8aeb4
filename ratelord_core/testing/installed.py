"""An installed plugin, as the daemon would find it."""

from __future__ import annotations

from ratelord_core.plugins import PluginInfo, survey


def loaded(name: str) -> PluginInfo:
    """The plugin of that name, loaded beside all others. Fails, with the reason, if it is not
    installed or cannot be used."""
    found = {info.name: info for info in survey()}
    assert name in found, f"no plugin {name!r} is installed; pip install -e . first"
    info = found[name]
    assert info.state == "loaded", info.error or info.state
    return info
