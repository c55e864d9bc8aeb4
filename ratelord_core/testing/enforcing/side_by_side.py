"""Fifty agents at providers that enforce their limits: alone, captured, and through the proxy.

``python -m ratelord_core.testing.enforcing.side_by_side`` prints the table. Everything is real and
on this machine: a daemon, a proxy for each provider, servers that refuse what is too much. It takes
about half a minute, and exits 1 if a provider refused anything that ratelord let through.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
import msgspec

from ratelord_core.cli.daemon_process import DaemonProcess
from ratelord_core.testing.enforcing.anthropic_api import EnforcingAnthropic
from ratelord_core.testing.enforcing.github_api import EnforcingGithub
from ratelord_core.testing.enforcing.openai_api import EnforcingOpenai
from ratelord_core.testing.loopback import LoopbackServer

AGENTS: Final = 50
LIMIT: Final = 48
EVERY: Final = 12.0
"""A bucket of the model providers: requests, and the seconds in which they flow in again. An
approval is for half of that: far longer than the slowest machine needs to make its call."""
WAYS: Final = ("alone", "captured", "proxied")
_SAID: Final = [{"role": "user", "content": "one two three four"}]
_ENDLESS: Final = 1_000_000_000


class Crowd(NamedTuple):
    """What every agent does at one provider, so many times; ``waits``: it may be told to wait
    (seconds), else a "no" is taken for one."""

    provider: str
    make: Callable[[], Any]
    call: tuple[str, str, Any]
    times: int
    limit: str
    waits: float


class Row(NamedTuple):
    """What became of a crowd's calls. ``refused``: by the provider, as it counted; ``held_back``:
    by ratelord, before they were sent."""

    provider: str
    limit: str
    way: str
    calls: int
    done: int
    refused: int
    held_back: int


CROWDS: Final = (
    Crowd(
        "openai",
        lambda: EnforcingOpenai(LIMIT, _ENDLESS, EVERY),
        ("POST", "/v1/chat/completions", {"model": "gpt-x", "messages": _SAID, "max_tokens": 5}),
        2,
        f"{LIMIT} in {EVERY:g} s",
        120.0,
    ),
    Crowd(
        "anthropic",
        lambda: EnforcingAnthropic(LIMIT, _ENDLESS, _ENDLESS, EVERY),
        ("POST", "/v1/messages", {"model": "claude-x", "messages": _SAID, "max_tokens": 5}),
        2,
        f"{LIMIT} in {EVERY:g} s",
        120.0,
    ),
    Crowd(
        "github",
        EnforcingGithub,
        ("GET", "/api/v3/search/issues?q=bug", None),
        1,
        "30 in 60 s",
        0.0,
    ),
)


def rows(folder: Path) -> list[Row]:
    """Play every crowd in every way; what became of them."""
    with ExitStack() as stack:
        servers = {(crowd.provider, way): _serve(stack, crowd) for crowd in CROWDS for way in WAYS}
        urls = {key: server.url for key, (server, _) in servers.items()}
        daemon = DaemonProcess(folder, policy=_policy(urls), environment={"HUB": "any"})
        stack.callback(daemon.stop)
        daemon.start()
        proxies = {
            key: stack.enter_context(_proxy(crowd, urls[key], daemon.url))
            for crowd in CROWDS
            for key in [(crowd.provider, "proxied")]
        }
        urls |= {key: _where(process) for key, process in proxies.items()}
        _wait_for_hub(daemon.url)
        played = asyncio.run(_play(urls, daemon.url))
    found = []
    for crowd, way in ((crowd, way) for crowd in CROWDS for way in WAYS):
        name, statuses = crowd.provider, played[crowd.provider, way]
        refused = servers[name, way][1].refused
        refused = sum(refused.values()) if isinstance(refused, dict) else refused
        done = sum(status == 200 for status in statuses)
        row = Row(name, crowd.limit, way, len(statuses), done, refused, 0)
        found.append(row._replace(held_back=row.calls - done - refused))
    return found


def _serve(stack: ExitStack, crowd: Crowd) -> tuple[LoopbackServer, Any]:
    api = crowd.make()
    return stack.enter_context(LoopbackServer(api)), api


def _policy(urls: dict[tuple[str, str], str]) -> str:
    """An account for every governed way, which knows its limits, or asks for them."""
    bucket = {"kind": "bucket", "every": f"{EVERY:g}s"}
    limits = {
        "openai": {"gpt-x": {"requests": LIMIT, "tokens": _ENDLESS}},
        "anthropic": {
            "claude-x": {"requests": LIMIT, "input_tokens": _ENDLESS, "output_tokens": _ENDLESS}
        },
    }
    providers: dict[str, list[Any]] = {
        name: [{"id": f"{name}-{way}", "mode": "manual", "models": models} for way in WAYS[1:]]
        for name, models in limits.items()
    }
    providers["github"] = [
        {"id": f"github-{way}", "token_env_var": "HUB", "enterprise_url": urls["github", way]}
        for way in WAYS[1:]
    ]
    pools = [
        {"id": f"{name}-{way}/{model}/{pool}", "window": bucket}
        for name, models in limits.items()
        for way in WAYS[1:]
        for model, known in models.items()
        for pool in known
    ]
    return msgspec.json.encode({"providers": providers, "pools": pools}).decode()


@contextmanager
def _proxy(crowd: Crowd, upstream: str, daemon: str) -> Iterator[subprocess.Popen[bytes]]:
    words = ["proxy", "--provider", crowd.provider, "--upstream", upstream, "--listen"]
    words += ["127.0.0.1:0", "--provider-id", f"{crowd.provider}-proxied", "--json"]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
        [sys.executable, "-m", "ratelord_core.cli", *words, "--max-wait", str(crowd.waits)],
        stdout=subprocess.PIPE,
        env=_environment(daemon),
    )
    with process:
        try:
            yield process
        finally:
            process.terminate()


def _where(process: subprocess.Popen[bytes]) -> str:
    """Where a proxy listens, once it does."""
    assert process.stdout is not None
    return str(msgspec.json.decode(process.stdout.readline())["listening"])


def _environment(daemon: str) -> dict[str, str]:
    import os  # noqa: PLC0415 - for this process alone

    return os.environ | {"RATELORD_URL": daemon}


def _wait_for_hub(daemon: str) -> None:
    """Until GitHub was asked how much there is."""
    from ratelord_core.testing.desk import patiently  # noqa: PLC0415 - loads what starts processes

    def asked() -> bool:
        places = [f"{daemon}/v1/pools/github-{way}/search" for way in WAYS[1:]]
        return all(httpx2.get(place, timeout=60).json().get("observed_at") for place in places)

    patiently(asked, 60.0)


async def _play(urls: dict[tuple[str, str], str], daemon: str) -> dict[tuple[str, str], list[int]]:
    """One way after another: they share the processors of one machine."""
    found: dict[tuple[str, str], list[int]] = {}
    for way in WAYS:
        keys = [(crowd, way) for crowd in CROWDS]
        played = await asyncio.gather(
            *(_agents(crowd, way, urls[crowd.provider, way], daemon) for crowd, way in keys)
        )
        names = [(crowd.provider, way) for crowd, way in keys]
        found |= dict(zip(names, played, strict=True))
    return found


async def _agents(crowd: Crowd, way: str, url: str, daemon: str) -> list[int]:
    """The statuses that they get, who begin all at once and do not try again."""
    from ratelord import AsyncClient, capture  # noqa: PLC0415 - loads an HTTP library

    method, path, body = crowd.call
    headers = {"authorization": "Bearer any", "x-api-key": "any"}
    limits = httpx2.Limits(max_connections=AGENTS)
    settings: dict[str, Any] = {"base_url": url, "headers": headers, "limits": limits}
    async with (
        httpx2.AsyncClient(**settings, timeout=180, trust_env=False) as client,
        AsyncClient(daemon, timeout=60) as asker,
    ):
        if way == "captured":
            names = {"provider_id": f"{crowd.provider}-captured", "speech": crowd.provider}
            capture(client, **names, agent_id="crowd", max_wait=crowd.waits, governor=asker)

        async def agent() -> list[int]:
            answers = [await client.request(method, path, json=body) for _ in range(crowd.times)]
            return [answer.status_code for answer in answers]

        found = await asyncio.gather(*(agent() for _ in range(AGENTS)))
    return [status for statuses in found for status in statuses]


def main() -> int:
    """Print the table; 1 if a provider refused what ratelord let through."""
    from rich.console import Console  # noqa: PLC0415 - for the table alone
    from rich.table import Table  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory() as folder:
        found = rows(Path(folder))
    table = Table("provider", "enforces", "agents", "calls", "done", "held back", "refused")
    for row in found:
        counts = map(str, (row.calls, row.done, row.held_back, row.refused))
        table.add_row(row.provider, row.limit, row.way, *counts)
    Console().print(table)
    return 1 if any(row.refused for row in found if row.way != "alone") else 0


if __name__ == "__main__":
    sys.exit(main())
