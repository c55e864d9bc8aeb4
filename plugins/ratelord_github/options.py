"""What the configuration says of a GitHub account, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.ids import is_id
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.provider import bad_option, check_options, read_timeout

PUBLIC: Final = "https://api.github.com"
API_VERSION: Final = "2022-11-28"
"""The version of the REST API whose documents this plugin follows."""
_KNOWN: Final = (
    "api_version",
    "app_id",
    "enterprise_url",
    "graphql",
    "installation_id",
    "timeout",
    "workloads",
)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class GithubOptions(msgspec.Struct, frozen=True):
    """An account. ``url`` is the API's root without a slash at its end; spans in µs."""

    url: str = PUBLIC
    poll_interval: Micros = 30 * SECOND
    timeout: Micros = 10 * SECOND
    api_version: str = API_VERSION
    app_id: str = ""
    installation_id: str = ""
    graphql: bool = False

    @property
    def graphql_url(self) -> str:
        """Where GraphQL is: beside the REST API of a server of one's own, below that of others."""
        return f"{self.url.removesuffix('/v3')}/graphql"


def read_options(config: ProviderConfig) -> GithubOptions:
    """The account as configured. Raises ``SettingsError`` that names the option and its value."""
    check_options(config, _KNOWN)
    options = {name: value for name, value in config.options.items() if value is not None}
    version = options.get("api_version", API_VERSION)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(version)):
        raise bad_option(config, "api_version", version, f"give a date, such as {API_VERSION}")
    graphql, calls = options.get("graphql", False), options.get("workloads", False)
    if not isinstance(graphql, bool):
        raise bad_option(config, "graphql", graphql, "give true or false")
    if not isinstance(calls, bool) and not (isinstance(calls, str) and is_id(calls)):
        raise bad_option(config, "workloads", calls, "give true, or how their names begin")
    return GithubOptions(
        graphql=graphql,
        url=_api_root(config, options.get("enterprise_url", PUBLIC)),
        poll_interval=config.poll_interval or GithubOptions().poll_interval,
        timeout=read_timeout(config, options.get("timeout", "10s")),
        api_version=str(version),
        **_app(config, options),
    )


def _app(config: ProviderConfig, options: Mapping[str, object]) -> dict[str, str]:
    """The App and its installation: both or neither."""
    told = {name: str(options[name]) for name in ("app_id", "installation_id") if name in options}
    for name, value in told.items():
        if not re.fullmatch(r"[A-Za-z0-9.]{1,64}", value):
            raise bad_option(config, name, value, "give the number or client id that GitHub shows")
    if len(told) == 1:
        missing = "installation_id" if "app_id" in told else "app_id"
        raise bad_option(config, missing, None, "give app_id and installation_id, or neither")
    return told


def _api_root(config: ProviderConfig, value: object) -> str:
    """Where the API is. A GitHub Enterprise Server has it under ``/api/v3``; github.com and
    ``*.ghe.com`` have a host of its own for it."""
    right = "give the server's address, such as https://github.example.com"
    try:
        parts = urlsplit(str(value))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise bad_option(config, "enterprise_url", value, right) from None
    if parts.username or parts.password or parts.query or parts.fragment:
        shown = "an address with credentials, query or fragment"
        raise bad_option(config, "enterprise_url", shown, right)
    if not host or parts.scheme not in {"https", "http"}:
        raise bad_option(config, "enterprise_url", value, right)
    if parts.scheme == "http" and host not in _LOOPBACK:
        safe = "use https, else the token travels readable"
        raise bad_option(config, "enterprise_url", value, safe)
    path = parts.path.rstrip("/")
    if host == "github.com" or (host.endswith(".ghe.com") and not host.startswith("api.")):
        host = f"api.{host}"
    if not host.startswith("api.") and not path.endswith("/api/v3"):
        path += "/api/v3"
    shown_host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown_host}{'' if port is None else f':{port}'}{path}"
