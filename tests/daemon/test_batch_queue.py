"""Tokens enqueued in batches: the limit comes from the project's own list, over a socket, and a
server that enforces it refuses nobody who asked before."""

from __future__ import annotations

from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ratelord_core.testing.desk import patiently, question
from ratelord_core.testing.loopback import LoopbackServer

LIMIT = 90_000
POOL = "oa/gpt-x/batch_tokens"
POLICY = """
providers:
  openai: [{{id: oa, mode: probe, probe_limits: true, project_id: proj_1, base_url: "{url}/v1",
             token_env_var: KEY, poll_interval: 1h}}]
workloads: {{nightly: {{consumes: {{oa/gpt-x/batch_tokens: 1}}}}}}
"""


class Batches:
    """Takes batches while their tokens fit into the queue, as the list of limits says."""

    def __init__(self) -> None:
        self.queue: dict[str, int] = {}
        self.refused = 0
        self.application = Starlette(
            routes=[
                Route("/v1/organization/projects/proj_1/rate_limits", self._limits),
                Route("/v1/batches", self._enqueue, methods=["POST"]),
            ]
        )

    async def _limits(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer s3cret"
        model = {"model": "gpt-x", "id": "rl-x", "batch_1_day_max_input_tokens": LIMIT}
        return JSONResponse({"object": "list", "data": [model], "has_more": False})

    async def _enqueue(self, request: Request) -> Response:
        told = await request.json()
        if sum(self.queue.values()) + told["tokens"] > LIMIT:
            self.refused += 1
            error = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}
            return JSONResponse({"error": error}, 429)
        self.queue[told["id"]] = told["tokens"]
        return JSONResponse({"id": told["id"], "object": "batch", "status": "validating"})


def test_batches_wait_for_room_in_the_queue_and_a_restart_forgets_none(start: Any) -> None:
    batches = Batches()
    with LoopbackServer(batches.application) as server:
        desk = start(POLICY.format(url=server.url), environment={"KEY": "s3cret"})
        patiently(lambda: _known(desk))

        def hand_in(tokens: int) -> dict[str, Any]:
            costs = {POOL: tokens}
            asked = question(
                workload_id="nightly", costs=costs, duration_hint=86_400, max_wait_seconds=0
            )
            answer = dict(desk.post("/v1/intent", asked).json())
            if answer["allowed"]:
                body = {"id": answer["intent_id"], "tokens": tokens}
                httpx2.post(f"{server.url}/v1/batches", json=body, timeout=60)
            return answer

        first, second, third = (hand_in(30_000) for _ in range(3))
        assert [one["allowed"] for one in (first, second, third)] == [True] * 3
        assert hand_in(1)["reason_code"] == "pool_exhausted"
        desk.daemon.kill()
        desk.daemon.start()
        assert desk.pool(POOL)["held"] == LIMIT
        assert not hand_in(30_000)["allowed"]
        del batches.queue[second["intent_id"]]  # it ended, hours later
        report = f"/v1/intents/{second['intent_id']}/report"
        assert desk.post(report, {"outcome": "success"}).status_code == 200
        assert not hand_in(30_001)["allowed"]
        assert hand_in(30_000)["allowed"]
    assert batches.refused == 0
    assert sum(batches.queue.values()) == LIMIT


def _known(desk: Any) -> bool:
    return any(
        (one["provider_id"], one["pool_id"], one["limit"]) == ("oa", "gpt-x/batch_tokens", LIMIT)
        for one in desk.pools()
    )
