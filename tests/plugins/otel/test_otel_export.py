"""What a collector hears of a real daemon: spans within the caller's trace, and its metrics."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ratelord_core import plugins
from ratelord_core.exporter import Exporting, FinishedRequest
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.raw_server import RawServer, silent

IDS = {"agent_id": "a", "identity_id": "i", "workload_id": "w", "scope_id": "s"}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """Takes what is exported over HTTP on loopback."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.metrics: dict[str, list[Any]] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(self.path, body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    self.spans += scope.spans
        else:
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        kind = metric.WhichOneof("data")
                        self.metrics[metric.name] = list(getattr(metric, kind).data_points)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    opened = Collector()
    yield opened
    opened.close()


def exporter_named(name: str) -> Any:
    [found] = [
        one for one in plugins.load().things("ratelord_register_exporters") if one.name == name
    ]
    return found


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_a_collector_hears_of_every_answer_and_of_the_metrics(collector, tmp_path) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with DaemonProcess(tmp_path, policy="", environment=environment) as daemon:
        with httpx2.Client(base_url=daemon.url, timeout=60) as client:
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            asked = client.post("/v1/intent", json=IDS, headers=headers)
            client.get("/v1/pools", headers=headers | {"x-request-id": "mine"})
            client.post("/v1/intent", json=IDS)
        daemon.stop()

    ours = [one for one in collector.spans if "health" not in attributes(one)["http.route"]]
    plain, traced, looked = sorted(
        ours, key=lambda span: (span.trace_id.hex() == TRACE, span.start_time_unix_nano)
    )
    assert traced.trace_id.hex() == looked.trace_id.hex() == TRACE
    assert traced.parent_span_id.hex() == PARENT
    told = asked.headers["traceresponse"].split("-")
    assert traced.span_id.hex() == told[2]
    assert attributes(traced)["ratelord.intent.id"] == asked.json()["intent_id"]
    assert attributes(traced)["ratelord.decision"] == "approve"
    assert attributes(traced)["http.route"] == "/v1/intent"
    assert attributes(looked)["ratelord.request.id"] == "mine"
    assert traced.end_time_unix_nano > traced.start_time_unix_nano
    assert plain.trace_id.hex() != TRACE
    assert not plain.parent_span_id

    [counted] = collector.metrics["ratelord.intent"]
    assert counted.as_double == 2
    answered = sum(one.count for one in collector.metrics["http.server.request.duration"])
    assert answered == len(collector.spans)
    assert collector.metrics["ratelord.seq"][0].as_double > 0


def test_a_daemon_whose_collector_is_away_answers_all_the_same_and_ends(tmp_path) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_METRIC_EXPORT_TIMEOUT": "1000",
    }
    with DaemonProcess(tmp_path, policy="", environment=environment) as daemon:
        assert httpx2.post(f"{daemon.url}/v1/intent", json=IDS, timeout=60).json()["allowed"]
        assert daemon.stop() == 0


def test_a_collector_that_says_nothing_is_waited_for_two_seconds_at_most(monkeypatch) -> None:
    request = FinishedRequest("GET", "/v1/pools", 200, 0, 1, "r-1")
    with RawServer(silent) as deaf:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", deaf.url)
        exporter = exporter_named("otel").open(Exporting("1", list))
        exporter.finished(request)
        began = time.monotonic()
        exporter.close()

    assert time.monotonic() - began < 8, "an export gives up after ten seconds by itself"


def test_nothing_is_exported_unless_the_environment_asks_for_it(monkeypatch) -> None:
    for name in ("", "TRACES_", "METRICS_"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}ENDPOINT", raising=False)
    assert exporter_named("otel").open(Exporting("1", list)) is None
