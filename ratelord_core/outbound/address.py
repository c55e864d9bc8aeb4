"""Where a provider's API is, as configured: an address to which a credential may be sent."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from ratelord_core.model.config import ProviderConfig
from ratelord_core.provider import bad_option

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def read_address(config: ProviderConfig, name: str, value: object, example: str) -> str:
    """The address without a slash at its end. Raises ``SettingsError`` for anything but https (or
    http to this machine), and for credentials, query or fragment in it."""
    right = f"give the API's address, such as {example}"
    try:
        parts = urlsplit(str(value))
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise bad_option(config, name, value, right) from None
    if parts.username or parts.password or parts.query or parts.fragment:
        shown = "an address with credentials, query or fragment"
        raise bad_option(config, name, shown, right)
    if not host or parts.scheme not in {"https", "http"}:
        raise bad_option(config, name, value, right)
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise bad_option(config, name, value, "use https, else the credential travels readable")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
