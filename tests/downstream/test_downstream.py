"""A daemon from the built wheel, with a provider, a forecast model and an action of others."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ratelord_core
from ratelord import Client
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.loopback import LoopbackServer

POLICY = """
settings: {{forecast_model: peak}}
providers:
  openrouter:
    - {{id: router, secret_ref: "env:ROUTER_KEY", poll_interval: 1s, base_url: "{url}"}}
policies:
  - id: load
    rules:
      - {{name: thin-out, condition: "intent.urgency == 'background'", action: brownout,
         params: {{from_risk: 0.0, to_risk: 0.000001}}}}
"""
KEY = "sk-or-v1-canary"


async def router(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    """OpenRouter with ten dollars left; who shows another key is refused."""
    good = dict(scope["headers"]).get(b"authorization") == f"Bearer {KEY}".encode()
    data = {"usage": 2.5, "limit": 12.5, "limit_remaining": 10.0, "limit_reset": "monthly"}
    await send({"type": "http.response.start", "status": 200 if good else 401, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps({"data": data}).encode()})


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    with LoopbackServer(router) as server:
        policy = POLICY.format(url=server.url)
        with DaemonProcess(tmp_path, policy=policy, environment={"ROUTER_KEY": KEY}) as daemon:
            yield daemon


def ratelord(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sysconfig.get_path("scripts")) / "ratelord"), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=False, env=environment
    )


def test_what_is_tested_is_the_built_wheel() -> None:
    assert Path(sys.prefix) in Path(ratelord_core.__file__).parents


def test_the_plugins_are_listed_with_their_distributions() -> None:
    listed = {one["name"]: one for one in json.loads(ratelord("plugins", "--json").stdout)}

    for name in ("openrouter", "peak", "brownout"):
        assert listed[name]["distribution"] == f"ratelord-{name}"
        assert (listed[name]["state"], listed[name]["trust"]) == ("loaded", "unlisted")
    assert ratelord("plugins", "check").returncode == 0


def test_a_list_that_names_none_of_them_keeps_them_out() -> None:
    shown = ratelord("plugins", "--json", RATELORD_PLUGINS_ALLOW="ratelord-peak").stdout
    states = {one["name"]: one["state"] for one in json.loads(shown)}

    assert states["peak"] == states["sql"] == "loaded"
    assert states["openrouter"] == states["brownout"] == "not allowed"


def test_the_daemon_polls_forecasts_and_judges_with_them(daemon: DaemonProcess) -> None:
    with Client(daemon.url, timeout=60) as client:
        until = time.monotonic() + 60
        while not (pools := client.pools()) and time.monotonic() < until:
            time.sleep(0.1)
        [pool] = pools
        assert (pool["pool_id"], pool["unit"], pool["available"]) == ("credits", "microusd", 10**7)

        asked = {"provider_id": "router", "pool_id": "credits", "expected_cost": 4_000_000}
        first = client.ask("a", "key:one", "work", "repo:x/y", **asked)
        assert first.allowed
        client.report(first.intent_id, actual_cost=4_000_000)
        second = client.ask("a", "key:one", "work", "repo:x/y", urgency="background", **asked)
        assert not second.allowed
        assert second.decided_by is not None
        assert second.decided_by.rule == "thin-out"
        [forecast] = client.forecasts()
        assert (forecast["pool_id"], forecast["model_id"]) == ("credits", "peak")
        assert client.snapshot()["seq"] > 0
    daemon.stop()
    daemon.start()
    with Client(daemon.url, timeout=60) as client:
        assert client.forecasts()[0]["model_id"] == "peak"
    assert "not believed" not in daemon.log

    written = b"".join(file.read_bytes() for file in daemon.folder.iterdir() if file.is_file())
    assert KEY.encode() not in written


def test_a_project_that_was_just_begun_installs_and_passes(tmp_path: Path) -> None:
    assert (
        ratelord("plugin", "new", "acme", "--kind", "provider", "--into", str(tmp_path)).returncode
        == 0
    )
    root = tmp_path / "ratelord-acme"
    target = tmp_path / "site"
    install = ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target"]
    subprocess.run([sys.executable, *install, str(target), str(root)], check=True, timeout=240)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=root,
        env={"PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
