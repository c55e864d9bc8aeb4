"""What the configuration says of an account whose provider nobody wrote a plugin for, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ratelord_core.headers import NAMED, STANDARD, Dialect, Meter, Reading, read_any, read_dialect
from ratelord_core.headers import reader as named_reader
from ratelord_core.headers.dialects import Read
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.ids import is_id
from ratelord_core.model.instant import MINUTE, SECOND, Micros
from ratelord_core.model.pool import MAX_UNITS, Pool
from ratelord_core.model.span import parse_span
from ratelord_core.model.window import Window
from ratelord_core.outbound import read_address
from ratelord_core.provider import bad_option, check_options, read_timeout

AUTO: Final = "auto"
_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,80}")
_POOL_KEYS: Final = ("limit", "every", "window", "unit", "default")
_KINDS: Final = ("fixed", "bucket", "sliding")


class HeadersOptions(msgspec.Struct, frozen=True):
    """An account. ``probe`` is the address that a poll asks ("": nothing is polled), with the
    credential as ``scheme`` in ``header``."""

    read: Read
    pools: tuple[Pool, ...]
    poll_interval: Micros
    per_model: bool = False
    probe: str = ""
    header: str = "authorization"
    scheme: str = "Bearer"
    timeout: Micros = 10 * SECOND


def read_options(config: ProviderConfig) -> HeadersOptions:
    """The account as configured. Raises ``SettingsError`` that names the option and its value."""
    check_options(config, ("dialect", "pools", "per_model", "probe_url", "credential", "timeout"))
    given = {name: value for name, value in config.options.items() if value is not None}
    per_model = given.get("per_model", False)
    if not isinstance(per_model, bool):
        raise bad_option(config, "per_model", per_model, "give true or false")
    probe, example = given.get("probe_url"), "https://api.example.com/v1/me"
    header, scheme = _credential(config, given.get("credential", {}))
    return HeadersOptions(
        read=_dialect(config, given.get("dialect", AUTO)),
        pools=_pools(config, given.get("pools", {})),
        poll_interval=config.poll_interval or MINUTE,
        per_model=per_model,
        probe="" if probe is None else read_address(config, "probe_url", probe, example),
        header=header,
        scheme=scheme,
        timeout=read_timeout(config, given.get("timeout", "10s")),
    )


def _credential(config: ProviderConfig, value: object) -> tuple[str, str]:
    told = _mapping(config, "credential", value)
    check_options(config, ("header", "scheme"), told, "credential")
    header = str(told.get("header", "authorization")).lower()
    if not _HEADER.fullmatch(header):
        raise bad_option(config, "credential.header", header, "give the name of a header")
    scheme = told.get("scheme", "Bearer" if header == "authorization" else "")
    if not isinstance(scheme, str) or not scheme.isascii() or len(scheme) > 32:
        raise bad_option(config, "credential.scheme", scheme, 'give a word such as Bearer, or ""')
    return header, scheme


def _dialect(config: ProviderConfig, value: object) -> Read:
    """A reader by the dialect's name, or of the headers that the configuration names itself."""
    if isinstance(value, str):
        found = read_any if value == AUTO else named_reader(value)
        if found is None:
            names = ", ".join((AUTO, STANDARD, *sorted(NAMED)))
            raise bad_option(config, "dialect", value, f"it is one of {names}, or header names")
        return found
    told = _mapping(config, "dialect", value)
    meters = {"": told} if "remaining" in told or "limit" in told else told
    own = Dialect("own", tuple(_meter(config, str(name), one) for name, one in meters.items()))

    def read(headers: Mapping[str, str], now: Micros) -> Reading:
        return read_dialect(own, headers, now)

    return read


def _meter(config: ProviderConfig, name: str, value: object) -> Meter:
    path = f"dialect.{name}" if name else "dialect"
    told = dict(_mapping(config, path, value))
    if "every" in told:
        told["every"] = _span(config, f"{path}.every", told["every"])
    for part in ("limit", "remaining", "used", "reset", "ratio"):
        if part in told:
            told[part] = str(told[part]).lower()
    try:
        return msgspec.convert({"resource": name, **told}, Meter)
    except msgspec.ValidationError as error:
        raise bad_option(config, path, value, f"give header names by part: {error}") from None


def _pools(config: ProviderConfig, value: object) -> tuple[Pool, ...]:
    named = _mapping(config, "pools", value)
    return tuple(_pool(config, name, told) for name, told in named.items())


def _pool(config: ProviderConfig, name: str, value: object) -> Pool:
    path = f"pools.{name}"
    if not is_id(name):
        raise bad_option(config, "a pool's name", name, "use letters, digits and ._:/@+-")
    told = _mapping(config, path, {} if value is None else value)
    check_options(config, _POOL_KEYS, told, path)
    limit, default = told.get("limit"), told.get("default", True)
    if limit is not None and not (type(limit) is int and 0 <= limit <= MAX_UNITS):
        raise bad_option(config, f"{path}.limit", limit, "give a whole number from 0 to 2^53-1")
    if not isinstance(default, bool):
        raise bad_option(config, f"{path}.default", default, "give true or false")
    kind = told.get("window", "fixed")
    if kind not in _KINDS:
        raise bad_option(config, f"{path}.window", kind, f"it is one of {', '.join(_KINDS)}")
    every = _span(config, f"{path}.every", told["every"]) if "every" in told else None
    if every is None and kind != "fixed":
        raise bad_option(config, f"{path}.every", None, "give its length, such as 60s")
    unit = str(told.get("unit", "requests"))
    return Pool(
        config.id, name, unit=unit, limit=limit, window=Window(kind, every=every), default=default
    )


def _span(config: ProviderConfig, path: str, value: object) -> Micros:
    try:
        span = parse_span(value)
    except ValueError:
        span = 0
    if span < SECOND // 1000:
        raise bad_option(config, path, value, "give a duration, such as 60s or 1h30m")
    return span


def _mapping(config: ProviderConfig, path: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise bad_option(config, path, value, "give a mapping of names to values")
    return value
