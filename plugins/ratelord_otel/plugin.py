"""Registers the exporter. OpenTelemetry is imported only where the environment asks for it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from ratelord_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from ratelord_core.exporter import Exporter, Exporting, OpenExporter

_log = logging.getLogger(__name__)
_ENDPOINTS: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)


class OtelExporter:
    """Opens when one of OpenTelemetry's own variables names an endpoint."""

    name = "otel"

    def open(self, exporting: Exporting) -> OpenExporter | None:
        asked = next((name for name in _ENDPOINTS if os.environ.get(name)), None)
        if asked is None or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
            return None
        if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
            _log.warning("%s is set, but nothing is exported: install ratelord[otel]", asked)
            return None
        from ratelord_otel.telemetry import Telemetry  # noqa: PLC0415 - a quarter second to import

        return Telemetry(exporting)


@hookimpl
def ratelord_register_exporters() -> Iterable[Exporter]:
    """OpenTelemetry's protocol over HTTP."""
    return [OtelExporter()]
