"""A gateway with a token of its own: whether it is believed what a human said."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters, types

import ratelord
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import Desk

POLICY = """
pools: [{id: team/requests, limit: 100, window: {kind: fixed, every: 1h}}]
policies:
  - id: night
    rules:
      - {name: closed, condition: "intent.workload_id == 'night/echo'", action: deny, overridable: true}
"""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with DaemonProcess(tmp_path_factory.mktemp("strict"), policy=POLICY) as daemon:
        yield Desk(daemon)


class Scene:
    """A gateway that is the identity ``svc:gate``, and a human behind its client who agrees."""

    def __init__(self, desk: Desk, words: list[str], identity: str, **details: Any) -> None:
        with ratelord.Client(desk.daemon.url, timeout=60) as operator:
            token = operator.register_identity(identity, **details).token
        environment = {**os.environ, "RATELORD_URL": desk.daemon.url, "RATELORD_TOKEN": str(token)}
        more = ["--identity", identity]
        at = words.index("--")
        self.place = StdioServerParameters(
            command=words[0], args=[*words[1:at], *more, *words[at:]], env=environment
        )
        self.asked = 0

    async def human(self, _context: Any, _params: Any) -> types.ElicitResult:
        self.asked += 1
        return types.ElicitResult(action="accept", content={"allow": True, "reason": "now"})

    async def call(self, era: Any, times: int) -> list[types.CallToolResult]:
        async with Client(self.place, mode=era, elicitation_callback=self.human) as client:
            return [await client.call_tool("echo", {"a": 1}) for _ in range(times)]


@pytest.mark.parametrize("era", ["auto", "legacy"])
def test_one_that_may_override_passes_on_what_the_human_said(
    strict: Desk, words_of: Callable[..., list[str]], era: str
) -> None:
    scene = Scene(strict, words_of("night"), f"svc:{era}", metadata={"may_override": "yes"})

    (result,) = anyio.run(scene.call, era, 1)

    assert not result.is_error
    assert scene.asked == 1
    told = strict.events("policy_overridden")[-1]["payload"]["by"]
    assert told == f"human at mcp:mcp through svc:{era}"
    assert strict.pool("team/requests")["held"] == 0


@pytest.mark.parametrize("era", ["auto", "legacy"])
def test_one_that_may_not_asks_its_human_once_in_vain_and_then_no_more(
    strict: Desk, words_of: Callable[..., list[str]], era: str
) -> None:
    before = len(strict.events("policy_overridden"))
    scene = Scene(strict, words_of("night"), f"svc:plain-{era}")

    results = anyio.run(scene.call, era, 3)

    assert all(result.is_error for result in results)
    assert "rule 'closed' of policy 'night'" in json.dumps(results[0].model_dump(mode="json"))
    assert scene.asked == 1
    assert len(strict.events("policy_overridden")) == before
