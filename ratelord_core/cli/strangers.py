"""Verbs that plugins bring: listed by name and help, imported only when one is typed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from ratelord_core.cli.options import GROUPS

if TYPE_CHECKING:
    from cyclopts import App

    from ratelord_core.plugins import Plugins
    from ratelord_core.verb import Verb

_HOOK = "ratelord_register_verbs"


def add_to(app: App, taken: Collection[str]) -> list[str]:
    """Add the verbs of every usable plugin, unless their names are taken; returns what is wrong
    with the others, a line each.

    A plugin that cannot be used must not take the whole command line with it: that is what one
    needs in order to find out.
    """
    plugins, faults = _usable()
    for plugin, verb in _offered(plugins, faults) if plugins else ():
        if verb.name in taken or verb.name in app:
            faults.append(f"plugin {plugin}: there already is a verb {verb.name!r}")
        else:
            app.command(verb.target, name=verb.name, help=verb.help, group=GROUPS[verb.group])
    return faults


def _usable() -> tuple[Plugins | None, list[str]]:
    from ratelord_core.errors import PluginError
    from ratelord_core.plugins import load, survey

    try:
        return load(), []
    except PluginError as error:
        broken = {info.name: info.error for info in survey() if info.state == "broken"}
        faults = list(broken.values()) or [str(error)]
    try:
        return load(without=broken), faults
    except PluginError:
        return None, faults


def _offered(plugins: Plugins, faults: list[str]) -> Iterator[tuple[str, Verb]]:
    from ratelord_core.errors import PluginError

    try:
        yield from plugins.gather(_HOOK)
    except PluginError as error:
        faults.append(str(error))
