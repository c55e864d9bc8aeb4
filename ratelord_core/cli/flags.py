"""The flags of the daemon; each is a setting of the same name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from ratelord_core.settings import Settings

_Switch = Parameter(negative=())


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DaemonFlags:
    """What a daemon is started with.

    Parameters
    ----------
    db_path
        The event log's file.
    policy_path
        The policy file.
    shadow_policy
        A policy file to evaluate beside it; only what differs is logged.
    host
        The address to listen on.
    port
        The port to listen on; 0 takes a free one.
    socket
        Also listen on this Unix socket.
    without
        A plugin to leave out; may be repeated.
    auth
        local: a missing token is the local operator; required: every request needs one.
    log_level
        How much is logged to standard error.
    log_format
        Log lines as text or JSON.
    tls_cert
        Certificate chain for TLS (PEM).
    tls_key
        The certificate's private key (PEM).
    allowed_hosts
        A host name that requests may name, beside loopback; may be repeated.
    allow_insecure_bind
        Listen on a public address although tokens are not required or TLS is off.
    store
        The store plugin that keeps the event log.
    graph
        The constraint graph plugin.
    debug
        Allow /debug routes, such as injecting mock usage.
    """

    db_path: Annotated[Path | None, Parameter(name="--db")] = None
    policy_path: Annotated[Path | None, Parameter(name="--policy")] = None
    shadow_policy: Annotated[Path | None, Parameter(name="--shadow")] = None
    host: str | None = None
    port: int | None = None
    socket: Path | None = None
    without: Annotated[tuple[str, ...], _Switch] = ()
    auth: Literal["local", "required"] | None = None
    log_level: Literal["debug", "info", "warning", "error"] | None = None
    log_format: Literal["text", "json"] | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    allowed_hosts: Annotated[tuple[str, ...], Parameter(name="--allowed-host", negative=())] = ()
    allow_insecure_bind: Annotated[bool, _Switch] = False
    store: str | None = None
    graph: str | None = None
    debug: Annotated[bool, _Switch] = False

    def given(self) -> dict[str, Any]:
        """The flags that were given, by the name of their setting."""
        return {
            name: value
            for name, value in vars(self).items()
            if value is not None and value is not False and value != ()
        }

    def settings(self) -> Settings:
        """The settings in force: flag > ``RATELORD_*`` > configuration file > default."""
        from ratelord_core.settings import load_settings

        return load_settings(**self.given())


NO_FLAGS = DaemonFlags()
