"""Whose plugins may be loaded: a list of distributions, if the owner of the machine keeps one.

Code that is installed beside the daemon runs with its rights. Where others can install things, the
owner names the distributions that may take part; any other is not even imported.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from typing import Literal

from platformdirs import user_config_path

from ratelord_core.errors import SettingsError

VARIABLE = "RATELORD_PLUGINS_ALLOW"
SETTING = "plugins_allow"
OURS = "ratelord"
"""The distribution of the built-in plugins, which needs nobody's leave."""

Trust = Literal["built-in", "allowed", "unlisted"]
"""``unlisted``: not on the list, or there is none."""


class AllowList:
    """The distributions that may bring plugins; ``None`` lets all of them."""

    def __init__(self, distributions: Iterable[str] | None = None) -> None:
        self._names = None if distributions is None else {_normal(name) for name in distributions}

    def trust(self, distribution: str) -> Trust:
        """How a distribution stands to this list."""
        if _normal(distribution) == OURS:
            return "built-in"
        return "allowed" if self._names and _normal(distribution) in self._names else "unlisted"

    def lets(self, distribution: str) -> bool:
        """Whether its plugins may be loaded."""
        return self._names is None or self.trust(distribution) != "unlisted"


def allow_list() -> AllowList:
    """The list in force: the variable, else the setting in the configuration file, else none.

    Read wherever plugins are loaded, also by verbs that need no other setting. Raises
    ``SettingsError`` for a list that cannot be read: in doubt nobody is let in.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        return AllowList(parse(given))
    file = user_config_path("ratelord") / "config.toml"
    if not file.is_file():
        return AllowList()
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8")).get(SETTING)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file}: {error}") from error
    return AllowList(None if found is None else parse(found))


def parse(value: object) -> tuple[str, ...]:
    """Names of distributions, from a list or separated by commas. Raises ``SettingsError``."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise SettingsError(
            f"setting {SETTING} ({VARIABLE}) is {value!r}; "
            "name distributions, separated by commas: acme-ratelord,other-plugin"
        )
    return tuple(name.strip() for name in names if name.strip())


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
