"""Raw JSON-RPC over HTTP to a daemon, as a client without the SDK would speak it."""

from __future__ import annotations

from typing import Any, Self

import httpx2

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
BOTH = "application/json, text/event-stream"


def modern_headers(method: str, name: str | None = None) -> dict[str, str]:
    """What a client of the stateless era sends beside the body."""
    headers = {
        "accept": BOTH,
        "content-type": "application/json",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
    }
    return headers if name is None else headers | {"mcp-name": name}


def modern(method: str, /, **params: Any) -> dict[str, Any]:
    """A request of the stateless era."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": META, **params}}


class Wire:
    """Raw JSON-RPC to one daemon."""

    def __init__(self, url: str, token: str | None = None) -> None:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        self.http = httpx2.Client(base_url=url, timeout=60, headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def modern(self, method: str, called: str | None = None, **params: Any) -> httpx2.Response:
        """One request of the stateless era."""
        headers = modern_headers(method, called)
        return self.http.post("/mcp", json=modern(method, **params), headers=headers)

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A tool call of the stateless era, which must succeed; its result."""
        answer = self.modern("tools/call", tool, name=tool, arguments=arguments)
        answer.raise_for_status()
        return dict(answer.json()["result"])

    def legacy(self, body: Any, session: str | None = None, **headers: str) -> httpx2.Response:
        """One message of the handshake era."""
        ours = {"accept": BOTH, "content-type": "application/json"}
        if session is not None:
            ours |= {"mcp-session-id": session, "mcp-protocol-version": "2025-11-25"}
        return self.http.post("/mcp", json=body, headers=ours | headers)

    def open(
        self, version: str = "2025-11-25", client: str = "test", **capabilities: Any
    ) -> httpx2.Response:
        """Ask for a session, as a client of this name that can do so much."""
        params = {
            "protocolVersion": version,
            "capabilities": capabilities,
            "clientInfo": {"name": client, "version": "0"},
        }
        return self.legacy({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})

    def handshake(self, version: str = "2025-11-25") -> tuple[str, dict[str, Any]]:
        """Open a session; its id and what the server said of itself."""
        opened = self.open(version)
        opened.raise_for_status()
        session = opened.headers["mcp-session-id"]
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        self.legacy(ready, session).raise_for_status()
        return session, dict(opened.json()["result"])


def request(method: str, **params: Any) -> dict[str, Any]:
    """A request of the handshake era."""
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
