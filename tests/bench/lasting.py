"""What outlasts a process: reading a log again, starting from it, and what its size costs."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import httpx2
from in_process import World
from table import Row
from workload import batch, policy

from ratelord_core import plugins
from ratelord_core.events.verify import Walk
from ratelord_core.replay import Blank, replay
from ratelord_core.store import EventQuery
from ratelord_core.testing.daemon_process import DaemonProcess

STACK = (
    "msgspec", "starlette.routing", "uvicorn", "httptools", "uvloop", "sqlmodel", "sqlalchemy",
    "networkx", "numpy", "scipy.special", "pydantic_settings", "structlog", "prometheus_client",
    "pluggy", "cel_expr_python.cel",
)  # fmt: skip
TAIL = 10_000
"""Events after the snapshot of the start that is measured."""


def rows(folder: Path, *, quick: bool) -> list[Row]:
    """The figures of this part."""
    events, identities = (40_000, 10_000) if quick else (1_000_000, 100_000)
    importing = _timed(
        lambda: _python("-c", ";".join(f"import {name}" for name in STACK)), 3 if quick else 7
    )
    return [
        _replayed(folder, events),
        Row(
            f"start to ready, snapshot and {TAIL:,} events, ÷ importing the stack",
            _start(folder, 3 if quick else 7) / importing,
            "<=",
            2.2,
        ),
        Row(
            f"worst pause for garbage at {identities:,} identities, ms",
            _worst_pause(identities) * 1000,
            "<=",
            5,
        ),
        Row(
            "ratelord --help, s",
            _timed(lambda: _python("-m", "ratelord_core.cli", "--help"), 5),
            "<=",
            0.4,
        ),
        Row("for scale: importing the stack, s", importing),
    ]


def _replayed(folder: Path, events: int) -> Row:
    path = folder / "long.db"
    found = plugins.load()
    store = found.named("ratelord_register_stores")["sqlite"].open_events(path)
    for records in World(identities=100).log(events):
        store.append(records)
    blank = Blank(
        found.named("ratelord_register_graphs")["networkx"],
        found.named("ratelord_register_forecast_models", "model_id")["linear"],
    )

    def again() -> None:
        replay(Walk().along(store.read(EventQuery())), blank.state())

    ratio = median(_once(again) / _once(lambda: _scan(path)) for _ in range(3))
    store.close()
    return Row(f"replay of {events:,} events with its chain ÷ a bare scan", ratio, "<=", 2.5)


def _scan(path: Path) -> None:
    with sqlite3.connect(path) as bare:
        for _ in bare.execute("SELECT * FROM events ORDER BY seq"):
            pass
    bare.close()


def _start(folder: Path, times: int) -> float:
    spans = []
    place = folder / "start"
    place.mkdir()
    daemon = DaemonProcess(place, policy=policy(2), environment={"RATELORD_SNAPSHOT_EVENTS": "0"})
    with daemon:
        asked = {"content": batch(1000), "headers": {"content-type": "application/json"}}
        httpx2.post(f"{daemon.url}/v1/intents/batch", timeout=60, **asked)
        httpx2.post(f"{daemon.url}/v1/admin/snapshot", timeout=60).raise_for_status()
        for _ in range(TAIL // 2000):
            httpx2.post(f"{daemon.url}/v1/intents/batch", timeout=60, **asked)
        for _ in range(times):
            daemon.kill()
            began = time.perf_counter()
            daemon.start()
            spans.append(time.perf_counter() - began)
    return min(spans)


def _worst_pause(identities: int) -> float:
    world = World(identities=identities)
    gc.collect()
    gc.freeze()
    worst = began = 0.0

    def watch(phase: str, _info: dict[str, int]) -> None:
        nonlocal worst, began
        if phase == "start":
            began = time.thread_time()
        else:
            worst = max(worst, time.thread_time() - began)

    gc.callbacks.append(watch)
    try:
        world.decide(20_000)
        gc.collect()
    finally:
        gc.callbacks.remove(watch)
        gc.unfreeze()
    return worst


def _python(*words: str) -> None:
    # What is installed has been compiled; the first run of several does that here.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(
        [sys.executable, *words], check=True, capture_output=True, timeout=120, env=environment
    )


def _once(what: Callable[[], None]) -> float:
    began = time.process_time()
    what()
    return time.process_time() - began


def _timed(what: Callable[[], None], times: int) -> float:
    """Seconds, the least of several: what others do on this machine only adds to them."""
    what()
    spans = []
    for _ in range(times):
        began = time.perf_counter()
        what()
        spans.append(time.perf_counter() - began)
    return min(spans)
