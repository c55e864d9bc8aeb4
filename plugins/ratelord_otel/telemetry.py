"""Spans of requests, and the daemon's metrics, over OTLP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ratelord_core.exporter import Exporting, FinishedRequest
from ratelord_otel.names import (
    DECISION,
    DURATION,
    INTENT_ID,
    METHOD,
    REQUEST_ID,
    ROUTE,
    STATUS,
    instrument,
)

_PARTING: Final = 1.0
"""Seconds that spans, and then metrics, have to be sent when the daemon ends: a collector that is
away would keep it for tens of them."""
_EXPORTED: Final = ("gauge", "counter")
"""Kinds of families that are handed on as they are; how long requests took is measured here."""


class Telemetry:
    """An open exporter. Where to, how often and with which sampler, OpenTelemetry's variables say:
    ``OTEL_EXPORTER_OTLP_*``, ``OTEL_METRIC_EXPORT_INTERVAL``, ``OTEL_TRACES_SAMPLER``.
    """

    def __init__(self, exporting: Exporting) -> None:
        resource = Resource.create(
            {"service.name": "ratelord", "service.version": exporting.version}
        )
        self._ids = _ToldIds()
        self._traces = TracerProvider(
            resource=resource, id_generator=self._ids, shutdown_on_exit=False
        )
        self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._traces.get_tracer("ratelord", exporting.version)
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        self._metrics = MeterProvider(
            metric_readers=[reader], resource=resource, shutdown_on_exit=False
        )
        meter = self._metrics.get_meter("ratelord", exporting.version)
        self._duration = meter.create_histogram(DURATION, unit="s")
        _Families(exporting.families).offer(meter)
        self._read = TraceContextTextMapPropagator().extract

    def finished(self, request: FinishedRequest) -> None:
        """One span, a child of the caller's if it is traced."""
        told: dict[str, str | int] = {
            METHOD: request.method,
            ROUTE: request.route,
            STATUS: request.status,
        }
        self._duration.record((request.end - request.start) / 1_000_000, told)
        self._ids.told = int(request.span_id, 16) if request.span_id else 0
        more = {
            REQUEST_ID: request.request_id,
            INTENT_ID: request.intent_id,
            DECISION: request.decision,
        }
        span = self._tracer.start_span(
            f"{request.method} {request.route}".strip(),
            context=self._read({"traceparent": request.traceparent}),
            kind=SpanKind.SERVER,
            attributes=told | {name: value for name, value in more.items() if value},
            start_time=request.start * 1000,
        )
        if request.status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(request.end * 1000)

    def close(self) -> None:
        """Send what is left, if it is taken at once."""
        # Of traces nobody can say how long it may take; of metrics one can.
        sending = threading.Thread(target=self._traces.shutdown, name="last spans", daemon=True)
        sending.start()
        sending.join(_PARTING)
        self._metrics.shutdown(timeout_millis=_PARTING * 1000)


class _ToldIds(IdGenerator):
    """Names a span as the reply has named it already."""

    def __init__(self) -> None:
        self.told = 0
        self._fresh = RandomIdGenerator()

    def generate_span_id(self) -> int:
        told, self.told = self.told, 0
        return told or self._fresh.generate_span_id()

    def generate_trace_id(self) -> int:
        return self._fresh.generate_trace_id()


class _Families:
    """The daemon's families as instruments that are asked when metrics are sent."""

    def __init__(self, families: Callable[[], Iterable[Any]]) -> None:
        self._families = families
        self._seen: dict[str, Any] = {}

    def offer(self, meter: Meter) -> None:
        """Make an instrument of each family. The first that is asked collects for all."""
        known = [family for family in self._families_now() if family.type in _EXPORTED]
        for at, family in enumerate(known):
            make = (
                meter.create_observable_counter
                if family.type == "counter"
                else meter.create_observable_gauge
            )
            make(
                instrument(family.name),
                callbacks=[self._observed(family.name, first=at == 0)],
                description=family.documentation,
            )

    def _observed(
        self, name: str, *, first: bool
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            if first:
                self._seen = {family.name: family for family in self._families_now()}
            family = self._seen.get(name)
            for sample in () if family is None else family.samples:
                if not sample.name.endswith("_created"):
                    yield Observation(float(sample.value), sample.labels)

        return observe

    def _families_now(self) -> Iterable[Any]:
        return self._families()
