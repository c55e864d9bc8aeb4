"""``ratelord config show``: every setting, and where its value comes from."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from ratelord_core.cli import words
from ratelord_core.cli.flags import NO_FLAGS, DaemonFlags
from ratelord_core.cli.options import ADMINISTER, Json
from ratelord_core.cli.outcome import DONE
from ratelord_core.cli.screen import print_json, print_table

if TYPE_CHECKING:
    from ratelord_core.settings import Settings

_SECRET = ("token", "secret", "password")
_MASK = "••••••"
_USER_IN_URL = re.compile(r"^([a-z][a-z0-9+.\-]*://)[^/@]*@", re.IGNORECASE)
"""A name and a password before an address's host."""


def register(app: App) -> None:
    """Add the verb."""
    verb = App(name="config", help="Show every setting and where it comes from.", group=ADMINISTER)
    verb.command(show)
    app.command(verb)


def show(*, flags: DaemonFlags = NO_FLAGS, json: Json = False) -> int:
    """Show every setting, its value and where that comes from; needs no daemon.

    Secrets are masked. Flags count as they would for ratelord up.
    """
    rows = [*_daemon_rows(flags.settings(), flags), *_client_rows()]
    if json:
        print_json(rows)
    else:
        names = ("setting", "value", "from", "variable")
        print_table(names, [[_cell(row[name]) for name in names] for row in rows])
    return DONE


def _daemon_rows(settings: Settings, flags: DaemonFlags) -> list[dict[str, Any]]:
    from ratelord_core.settings import config_file

    written = _written(config_file())
    given = flags.given()
    return [
        {
            "setting": name,
            "value": _plain(name, getattr(settings, name)),
            "from": _origin(name, given, written, config_file(), getattr(settings, name)),
            "variable": f"RATELORD_{name.upper()}",
        }
        for name in type(settings).model_fields
    ]


def _client_variables() -> dict[str, Any]:
    """What client verbs read beside the daemon's settings, with its default."""
    from ratelord.connection import DEFAULT_TIMEOUT, DEFAULT_URL

    return {
        "RATELORD_URL": DEFAULT_URL,
        "RATELORD_TOKEN": None,
        "RATELORD_TIMEOUT": DEFAULT_TIMEOUT,
        "RATELORD_IDENTITY": None,
        "RATELORD_AGENT": None,
    }


def _client_rows() -> list[dict[str, Any]]:
    return [
        {
            "setting": variable.removeprefix("RATELORD_").lower(),
            "value": _plain(variable.lower(), os.environ.get(variable) or default),
            "from": "environment" if os.environ.get(variable) else "default",
            "variable": variable,
        }
        for variable, default in _client_variables().items()
    ]


def _origin(
    name: str, given: dict[str, Any], written: dict[str, Any], file: Path, value: object
) -> str:
    if name in given:
        return "flag"
    if any(variable.upper() == f"RATELORD_{name.upper()}" for variable in os.environ):
        return "environment"
    if name in written:
        return str(file)
    found = name == "policy_path" and value is not None
    return "found there" if found else "default"


def _written(file: Path) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _plain(name: str, value: Any) -> Any:
    if value and any(word in name for word in _SECRET):
        return _MASK
    if isinstance(value, str):
        return _USER_IN_URL.sub(rf"\1{_MASK}@", value)
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _cell(value: Any) -> str:
    if value is None or value == []:
        return words.DASH
    shown = ", ".join(map(str, value)) if isinstance(value, list) else value
    return words.plain(str(shown).lower() if isinstance(shown, bool) else shown)
