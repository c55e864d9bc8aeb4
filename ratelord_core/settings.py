"""The daemon's settings: flag > ``RATELORD_*`` > configuration file > default."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_config_path, user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from ratelord_core import trust
from ratelord_core.errors import SettingsError

Listed = Annotated[tuple[str, ...], NoDecode]
"""Names in a variable, separated by commas, or as a JSON array."""
_POLICY_NAMES = ("policy.yaml", "policy.yml", "policy.json")


def config_file() -> Path:
    """Where the configuration file would be."""
    return user_config_path("ratelord") / "config.toml"


def default_db_path() -> Path:
    """``ratelord.db`` in the user's data folder."""
    return user_data_path("ratelord") / "ratelord.db"


class Settings(BaseSettings):
    """What a daemon is started with."""

    model_config = SettingsConfigDict(env_prefix="RATELORD_", extra="ignore", frozen=True)

    db_path: Path = Field(default_factory=default_db_path, description="The event log's file.")
    policy_path: Path | None = Field(
        None,
        description="The policy file. Default: the first of ./policy.yaml, ./policy.json and the "
        "same names in the user's configuration folder; without any, an empty policy.",
    )
    policy_watch: float = Field(
        1.0,
        ge=0,
        description="Seconds between looks at the policy file; a change that lasted from one look "
        "to the next is read. 0: only when told to.",
    )
    trace_policy: bool = Field(
        False, description="Log every rule that is looked at, with what it saw and what came of it."
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(
        8090, ge=0, le=65535, description="The port to listen on; 0 takes a free one."
    )
    socket: Path | None = Field(None, description="Also listen on this Unix socket.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much is logged to standard error."
    )
    log_format: Literal["text", "json"] = Field("text", description="Log lines as text or JSON.")
    auth: Literal["local", "required"] = Field(
        "local",
        description="local: a missing token is the local operator; required: every request "
        "needs a token.",
    )
    tls_cert: Path | None = Field(None, description="Certificate chain for TLS (PEM).")
    tls_key: Path | None = Field(None, description="The certificate's private key (PEM).")
    tls_client_ca: Path | None = Field(
        None,
        description="Authorities (PEM) whose certificates clients may show instead of a token; the "
        "certificate names the identity.",
    )
    tls_clients: Literal["optional", "required"] = Field(
        "optional", description="Whether clients must show a certificate of tls_client_ca."
    )
    allowed_hosts: Listed = Field(
        (),
        description="Host names that requests may name, beside loopback and the bound address; "
        "separated by commas.",
    )
    allow_insecure_bind: bool = Field(
        False,
        description="Listen on a public address although tokens are not required or TLS is off.",
    )
    cors_origins: Listed = Field(
        (),
        description="Web pages that may read replies, as https://example.com, separated by commas; "
        "none by default.",
    )
    max_waiting: int = Field(
        2048,
        ge=1,
        description="Questions that may wait for their answers at once; beyond it, 429. Background "
        "ones are turned away from three quarters of it on, normal ones from nine tenths.",
    )
    max_connections: int = Field(16_384, ge=1, description="Connections open at once.")
    max_streams: int = Field(
        256, ge=0, description="Streams open at once: of events, of progress, MCP's."
    )
    max_streams_each: int = Field(
        64, ge=0, description="Streams of one token, or of one address without tokens."
    )
    max_headers: int = Field(128, ge=1, description="Headers of one request.")
    max_header_bytes: int = Field(
        65_536, ge=1024, description="Bytes of a request's first line and headers."
    )
    max_pipelined: int = Field(
        100, ge=1, description="Requests sent ahead on one connection, before the first answer."
    )
    request_timeout: float = Field(
        30.0, gt=0, description="Seconds in which a request must have arrived in full."
    )
    idle_timeout: float = Field(
        75.0, gt=0, description="Seconds that a connection may rest between two requests."
    )
    reader_timeout: float = Field(
        30.0, gt=0, description="Seconds after which a reader that takes nothing is dropped."
    )
    snapshot_events: int = Field(
        100_000,
        ge=0,
        description="Events after which a snapshot of the state is kept beside the log; 0: only at "
        "the end and on request.",
    )
    shadow_policy: Path | None = Field(
        None,
        description="A policy file that is evaluated beside the one in force; only what it would "
        "have answered otherwise is logged.",
    )
    backtest_concurrency: int = Field(
        1, ge=0, le=16, description="Backtests that run at once beside the daemon; 0 = none may."
    )
    backtest_seconds: float = Field(
        300.0, gt=0, description="Seconds of life after which a backtest is broken off."
    )
    backtest_megabytes: int = Field(2048, ge=256, description="Memory of a backtest, in MiB.")
    without: Listed = Field((), description="Plugins to leave out, by name, separated by commas.")
    plugins_allow: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None,
        description="Distributions whose plugins may be loaded beside the built-in ones, "
        "separated by commas. Default: whatever is installed.",
    )
    store: str = Field("sqlite", description="The store plugin that keeps the event log.")
    graph: str = Field("networkx", description="The constraint graph plugin.")
    debug: bool = Field(False, description="Allow /debug routes, such as injecting mock usage.")

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("allowed_hosts", "cors_origins", "without", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            return json.loads(value)
        return tuple(part for one in value.split(",") if (part := one.strip()))

    @field_validator("plugins_allow", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return None if value is None else trust.parse(value)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags first, then the environment, then the file."""
        file = TomlConfigSettingsSource(settings_cls, config_file())
        known = settings_cls.model_fields.keys()
        for name in file.toml_data.keys() - known:
            raise ValueError(f"no setting is called {name!r}; known: {', '.join(known)}")
        return init_settings, env_settings, file


def load_settings(**flags: Any) -> Settings:
    """The settings in force; a flag that is None was not given.

    Raises ``SettingsError`` that names the setting, its value and what would be right.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError(_explained(error)) from error
    except ValueError as error:
        raise SettingsError(f"{config_file()}: {error}") from error
    if settings.policy_path is None:
        settings = settings.model_copy(update={"policy_path": _find_policy()})
    _refuse_public_bind(settings)
    return settings


def _explained(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]) or "setting"
    variable = f"RATELORD_{name.upper()}"
    return f"setting {name} ({variable}) is {first['input']!r}: {first['msg']}"


def _find_policy() -> Path | None:
    for folder in (Path(), user_config_path("ratelord")):
        for name in _POLICY_NAMES:
            if (folder / name).is_file():
                return folder / name
    return None


def _refuse_public_bind(settings: Settings) -> None:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("tls_cert and tls_key go together; give both or none")
    if settings.tls_client_ca is not None and settings.tls_cert is None:
        raise SettingsError("tls_client_ca needs tls_cert and tls_key; give all three or none")
    if settings.tls_clients == "required" and settings.tls_client_ca is None:
        raise SettingsError("tls_clients=required needs tls_client_ca, which says whom to believe")
    if settings.host in {"127.0.0.1", "localhost", "::1"} or settings.allow_insecure_bind:
        return
    if settings.auth == "required" and settings.tls_cert is not None:
        return
    raise SettingsError(
        f"host {settings.host} is not loopback: set auth=required and tls_cert/tls_key, "
        "or pass --allow-insecure-bind if something in front of it protects it"
    )
