"""Where a provider's secret lies, and how to fetch it at the moment it is needed.

A reference is ``env:NAME``, ``file:PATH`` or ``keyring:SERVICE/NAME``. References may be logged;
values never are: no error of this module shows one.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ratelord_core.errors import SettingsError

_KEY_FILE: Final = "-----BEGIN "
"""How a private key begins, the only credential of several lines."""
_SHORTEST: Final = 6
"""Characters; shorter values would be found in ordinary words."""
SHOWN: Final = "***"
"""What stands where a secret would."""
MAX_BYTES: Final = 65_536
"""A longer file is not a credential."""


def check_reference(reference: str) -> str:
    """The reference as given, if its form is right; nothing is fetched. Raises ``SettingsError``.

    A reference that is no reference may be the secret itself, so the error does not show it.
    """
    kind, colon, rest = reference.partition(":")
    well_formed = {
        "env": rest.replace("_", "a").isalnum(),
        "file": bool(rest),
        "keyring": all(rest.partition("/")),
    }
    if not colon or not well_formed.get(kind, False) or not rest.isprintable():
        raise SettingsError(
            "a secret reference has another form; write env:NAME, file:PATH or keyring:SERVICE/NAME"
        )
    return reference


def resolve(reference: str, environment: Mapping[str, str] | None = None) -> str:
    """The secret that lies there now. Raises ``SettingsError`` that names the reference only."""
    kind, _, rest = check_reference(reference).partition(":")
    if kind == "env":
        value = (os.environ if environment is None else environment).get(rest, "")
    elif kind == "file":
        value = _read_file(reference, Path(rest).expanduser())
    else:
        value = _read_keyring(reference, *rest.split("/", 1))
    value = value.strip()
    if not value:
        raise SettingsError(f"secret {reference} is not set or empty; set it where it points")
    lines = value.splitlines() if value.startswith(_KEY_FILE) else [value]
    if not (value.isascii() and all(line.isprintable() for line in lines)):
        raise SettingsError(f"secret {reference} is not plain ASCII; store only the token")
    return value


def resolver(
    reference: str | None, environment: Mapping[str, str] | None = None
) -> Callable[[], str | None]:
    """What fetches the secret afresh at every call (so a rotated one is found); None without one.

    The form of the reference is checked at once.
    """
    if reference is None:
        return lambda: None
    checked = check_reference(reference)
    return lambda: resolve(checked, environment)


class Secrets:
    """The values that were fetched, so that none of them is written down by accident: a stranger's
    plugin may put the credential into an error, its state or the log."""

    def __init__(self) -> None:
        self._values: dict[str, None] = {}

    def resolver(self, reference: str | None) -> Callable[[], str | None]:
        """As ``resolver``, and remembers what it fetches."""
        fetch = resolver(reference)

        def fetched() -> str | None:
            value = fetch()
            if value is not None and len(value) >= _SHORTEST:
                self._values |= {value: None, value.encode("unicode_escape").decode(): None}
            return value

        return fetched

    def conceal(self, text: str) -> str:
        """The text with every known secret in it blotted out."""
        for value in self._values:
            text = text.replace(value, SHOWN)
        return text


def _read_file(reference: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) <= MAX_BYTES:
            return content.decode("utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(f"secret {reference} cannot be read: {reason}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"secret {reference} is not text; store only the token") from None
    raise SettingsError(f"secret {reference} is over {MAX_BYTES} bytes; store only the token")


def _read_keyring(reference: str, service: str, name: str) -> str:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise SettingsError(
            f"secret {reference} needs the keyring library; install ratelord[keyring]"
        ) from None
    try:
        return str(keyring.get_password(service, name) or "")
    except Exception as error:  # noqa: BLE001 - backends raise their own kinds; none may show a value
        raise SettingsError(
            f"secret {reference}: the keyring failed with {type(error).__name__}; unlock it"
        ) from None
