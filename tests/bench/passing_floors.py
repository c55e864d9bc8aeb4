"""What a proxy is measured between: a provider that answers at once, and a proxy that asks nobody.

Run as ``python passing_floors.py provider|passing PORT UPSTREAM``: one uvicorn worker each, with
uvloop and httptools.
"""

from __future__ import annotations

import sys
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

WHOLE = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-x","choices":'
    b'[{"index":0,"message":{"role":"assistant","content":"word word word word word"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":4,"completion_tokens":5,"total_tokens":9}}'
)
PIECE = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":'
    b'"gpt-x","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n'
)
PIECES = 20
LAST = b"data: [DONE]\n\n"
HEADERS = [
    (b"x-ratelimit-limit-requests", b"1000000"),
    (b"x-ratelimit-remaining-requests", b"999999"),
    (b"x-ratelimit-reset-requests", b"60ms"),
    (b"openai-organization", b"org-example"),
]
NOT_PASSED = frozenset({"host", "content-length", "transfer-encoding", "connection"})


async def provider(scope: Any, receive: Any, send: Any) -> None:
    """Answers a call, or streams twenty pieces if that is asked."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        more = message.get("more_body", False)
    streams = b'"stream": true' in body
    kind = b"text/event-stream" if streams else b"application/json"
    headers = [(b"content-type", kind), *HEADERS]
    if not streams:
        headers.append((b"content-length", str(len(WHOLE)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if not streams:
        await send({"type": "http.response.body", "body": WHOLE})
        return
    for _ in range(PIECES):
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})
    await send({"type": "http.response.body", "body": LAST})


def passing(upstream: str) -> Starlette:
    """A reverse proxy as one writes it with Starlette and httpx2, and no more."""
    client = httpx2.AsyncClient(base_url=upstream, trust_env=False, timeout=60)

    async def pass_on(request: Request) -> StreamingResponse:
        content = await request.body()
        headers = [
            (name, value) for name, value in request.headers.items() if name not in NOT_PASSED
        ]
        made = client.build_request(
            request.method, request.url.path, headers=headers, content=content
        )
        answer = await client.send(made, stream=True)
        back = {name: value for name, value in answer.headers.items() if name != "connection"}
        return StreamingResponse(_pieces(answer), answer.status_code, back)

    return Starlette(routes=[Route("/{path:path}", pass_on, methods=["GET", "POST"])])


async def _pieces(answer: httpx2.Response) -> Any:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()


if __name__ == "__main__":
    kind, port, upstream = sys.argv[1:]
    uvicorn.run(
        provider if kind == "provider" else passing(upstream),
        port=int(port),
        loop="uvloop",
        http="httptools",
        access_log=False,
        lifespan="off",
        log_level="warning",
    )
