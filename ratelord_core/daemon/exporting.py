"""Traces and metrics that go elsewhere: exporters of plugins, opened and closed with the door."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

from ratelord_core import __version__
from ratelord_core.exporter import Exporter, Exporting, OpenExporter

_log = logging.getLogger(__name__)
_PATIENCE = 1.0


def open_exporters(
    offered: Iterable[Exporter], families: Callable[[], Iterable[Any]]
) -> tuple[OpenExporter, ...]:
    """Every exporter that the environment asks for. Called on the loop, where ``families`` is."""
    loop = asyncio.get_running_loop()

    async def collect() -> list[Any]:
        return list(families())

    here = threading.get_ident()

    def from_afar() -> Iterable[Any]:
        if threading.get_ident() == here:
            return list(families())
        return asyncio.run_coroutine_threadsafe(collect(), loop).result(_PATIENCE)

    exporting = Exporting(__version__, from_afar)
    opened = [(exporter.name, exporter.open(exporting)) for exporter in offered]
    for name, one in opened:
        if one is not None:
            _log.info("exporter %s is open", name)
    return tuple(one for _, one in opened if one is not None)


async def close_exporters(opened: Iterable[OpenExporter]) -> None:
    """Let them send what is left; one that fails is named, and keeps nobody."""
    for one in opened:
        try:
            await asyncio.to_thread(one.close)
        except Exception:  # noqa: BLE001 - a daemon that ends must end
            _log.exception("an exporter could not be closed: %r", one)
