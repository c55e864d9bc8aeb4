"""An MCP server over streamable HTTP, made with the SDK; it refuses some calls below the protocol.

Prints its address once it listens.
"""

from __future__ import annotations

import json
import socket
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver import Context
from pydantic import BaseModel

server = MCPServer("over-http", version="1", log_level="ERROR")


class Number(BaseModel):
    """What the human is asked for."""

    n: int


@server.tool()
async def echo(a: int, context: Context) -> str:
    """Say it again, with progress on the way."""
    await context.report_progress(1, 2)
    return json.dumps({"a": a})


@server.tool()
async def human(context: Context) -> str:
    """Ask the human."""
    answer = await context.elicit("n?", Number)
    return str(answer.data.n) if isinstance(answer, AcceptedElicitation) else answer.action


@server.tool()
async def limited() -> str:
    """Never gets here."""
    return "not limited"


@server.resource("a://b")
async def resource() -> str:
    """Something to read."""
    return "read"


class Gate:
    """Refuses whoever has no token, and calls of one tool, as a proxy with a limit would."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if headers.get(b"authorization") != b"Bearer secret" or headers.get(b"x-team") != b"a":
            await refuse(send, 401, [])
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if b'"limited"' in body:
            await refuse(send, 429, [(b"retry-after", b"30")])
            return
        given = False

        async def again() -> Any:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, again, send)


async def refuse(send: Any, status: int, headers: Any) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
        app = Gate(server.streamable_http_app())
        patience = {"timeout_graceful_shutdown": 1, "timeout_keep_alive": 600}
        config = uvicorn.Config(app, log_level="critical", **patience)
        uvicorn.Server(config).run(sockets=[listening])
