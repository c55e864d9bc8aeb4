"""Opens the daemon's door to the network, as the settings say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from ratelord_core.arbiter import Authority
from ratelord_core.daemon.exporting import open_exporters
from ratelord_core.daemon.shadow import Shadow
from ratelord_core.exporter import OpenExporter
from ratelord_core.http.app import build_app
from ratelord_core.http.backtests import BacktestBounds, BacktestDoors
from ratelord_core.http.limits import Limits
from ratelord_core.http.server import Server, serve
from ratelord_core.http.settings import HttpSettings
from ratelord_core.http.shadow import ShadowDoors
from ratelord_core.http.tls import TlsFiles
from ratelord_core.inbound import allow_open_files
from ratelord_core.jobs.replay_task import LogPlace
from ratelord_core.model.ids import Entropy
from ratelord_core.settings import Settings

_OTHER_FILES: Final = 256
"""Open files beside connections: the log and its helpers, providers' sockets, libraries."""


async def open_door(
    arbiter: Authority,
    settings: Settings,
    entropy: Entropy,
    gather: Callable[[str], Iterable[Any]],
    shadow: Shadow,
) -> tuple[Server, tuple[OpenExporter, ...]]:
    """Listen, and answer; the exporters are to be closed after the server has stopped.
    ``SettingsError`` if an address or a certificate cannot be used."""
    allow_open_files(settings.max_connections + _OTHER_FILES)
    own = (_backtests(settings), ShadowDoors(shadow))
    door = build_app(arbiter, _http_settings(settings, entropy), gather, own)
    offered = gather("ratelord_register_exporters")
    exporters = open_exporters(offered, door.metrics.families)
    door.timings.exporters = exporters
    server = await serve(
        door,
        host=settings.host,
        port=settings.port,
        socket_path=settings.socket,
        tls=_tls_files(settings),
        limits=_limits(settings),
    )
    return server, exporters


def log_place(settings: Settings) -> LogPlace:
    """Where processes beside the daemon find its log."""
    path = str(settings.db_path.absolute())
    return LogPlace(settings.store, path, settings.graph, settings.without)


def _backtests(settings: Settings) -> BacktestDoors:
    bounds = BacktestBounds(
        settings.backtest_concurrency, settings.backtest_seconds, settings.backtest_megabytes
    )
    return BacktestDoors(log_place(settings), bounds)


def _http_settings(settings: Settings, entropy: Entropy) -> HttpSettings:
    return HttpSettings(
        entropy=entropy,
        auth=settings.auth,
        bound_host=settings.host,
        allowed_hosts=settings.allowed_hosts,
        cors_origins=settings.cors_origins,
        debug=settings.debug,
        slow_reader=settings.reader_timeout,
        max_streams=settings.max_streams,
        max_streams_each=settings.max_streams_each,
        max_in_flight=settings.max_waiting,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        head_bytes=settings.max_header_bytes,
        headers=settings.max_headers,
        pipelined=settings.max_pipelined,
        connections=settings.max_connections,
        request_timeout=settings.request_timeout,
        idle_timeout=settings.idle_timeout,
        reader_timeout=settings.reader_timeout,
    )


def _tls_files(settings: Settings) -> TlsFiles | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return TlsFiles(
        settings.tls_cert, settings.tls_key, settings.tls_client_ca, settings.tls_clients
    )
