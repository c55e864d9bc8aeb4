"""An MCP server that does as its tools' arguments say, on raw lines: no library between.

It speaks as much of either era as the tests need, echoes what it got, and is deliberately odd:
unknown fields, extensions, noise.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

LOCK = threading.Lock()
CANCELLED: dict[Any, threading.Event] = {}
ANSWERS: dict[str, Any] = {}
RUNG: dict[str, threading.Event] = {}
CALLS: list[str] = []
MODERN = "io.modelcontextprotocol/protocolVersion"
TOOLS = [
    {"name": "echo", "inputSchema": {"type": "object"}, "x-unknown": {"kept": 1.50}},
    {
        "name": "shaped",
        "inputSchema": {"type": "object"},
        "outputSchema": {
            "type": "object",
            "required": ["n"],
            "properties": {"n": {"type": "integer"}},
        },
    },
    {"name": "slow", "inputSchema": {"type": "object"}},
]


def say(message: dict[str, Any]) -> None:
    with LOCK:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": said}], **more}


def ask(method: str, params: dict[str, Any]) -> Any:
    name = f"s{len(RUNG)}"
    RUNG[name] = threading.Event()
    say({"id": name, "method": method, "params": params})
    RUNG[name].wait(20)
    return ANSWERS.get(name)


def call(message: dict[str, Any]) -> dict[str, Any] | None:
    """What a tool answers; None: nothing, it was cancelled."""
    params = message["params"]
    name, arguments = params["name"], params.get("arguments") or {}
    CALLS.append(name)
    token = params.get("_meta", {}).get("progressToken")
    if name == "count":
        return {"result": text(json.dumps(CALLS))}
    if name == "usage":
        return {"result": text("ok", _meta={"usage": {"total_tokens": arguments["tokens"]}})}
    if name == "fail":
        return {"result": text(arguments["said"], isError=True)}
    if name == "refuse":
        return {
            "error": {"code": arguments["code"], "message": arguments["said"], "data": {"odd": [1]}}
        }
    if name == "progress":
        for step in (0, 1, 2):
            say(
                {
                    "method": "notifications/progress",
                    "params": {"progressToken": token, "progress": step, "total": 2},
                }
            )
        return {"result": text("done")}
    if name == "slow":
        stop = CANCELLED.setdefault(json.dumps(message["id"]), threading.Event())
        say({"method": "notifications/message", "params": {"level": "info", "data": "began"}})
        if stop.wait(arguments.get("seconds", 10)):
            say({"method": "notifications/message", "params": {"level": "info", "data": "stopped"}})
            return None
        return {"result": text("slept")}
    if name == "human":
        if MODERN in params.get("_meta", {}):
            if "inputResponses" not in params:
                schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
                asks = {
                    "q": {
                        "method": "elicitation/create",
                        "params": {"mode": "form", "message": "n?", "requestedSchema": schema},
                    }
                }
                return {
                    "result": {
                        "resultType": "input_required",
                        "inputRequests": asks,
                        "requestState": "opaque",
                    }
                }
            return {"result": text(json.dumps([params["inputResponses"], params["requestState"]]))}
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        return {
            "result": text(
                json.dumps(ask("elicitation/create", {"message": "n?", "requestedSchema": schema}))
            )
        }
    if name == "sample":
        asked = {
            "messages": [{"role": "user", "content": {"type": "text", "text": "hi"}}],
            "maxTokens": 5,
        }
        return {"result": text(json.dumps(ask("sampling/createMessage", asked)))}
    if name == "roots":
        return {"result": text(json.dumps(ask("roots/list", {})))}
    if name == "grow":
        say({"method": "notifications/tools/list_changed"})
        return {"result": text("grown")}
    if name == "noise":
        with LOCK:
            sys.stdout.write("this is no message\n")
            sys.stdout.flush()
        return {"result": text("loud")}
    if name == "die":
        sys.stdout.flush()
        import os

        os._exit(7)
    return {
        "result": text(
            json.dumps(arguments), _meta={"x.example/kept": params.get("_meta", {})}, unknown="kept"
        )
    }


def answer(message: dict[str, Any]) -> dict[str, Any] | None:
    method, params = message["method"], message.get("params", {})
    if method == "initialize":
        version = params["protocolVersion"]
        return {
            "result": {
                "protocolVersion": version,
                "capabilities": {
                    "tools": {"listChanged": True},
                    "resources": {"subscribe": True},
                    "prompts": {},
                    "completions": {},
                    "logging": {},
                    "experimental": {"odd": {}},
                },
                "serverInfo": {"name": "scripted", "version": "1"},
                "instructions": "as told",
            }
        }
    if method == "server/discover":
        return {
            "result": {
                "resultType": "complete",
                "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "scripted", "version": "1"},
                "ttlMs": 1000,
                "cacheScope": "public",
            }
        }
    if method == "tools/list":
        if params.get("cursor") == "more":
            return {"result": {"tools": [{"name": "last", "inputSchema": {"type": "object"}}]}}
        return {"result": {"tools": TOOLS, "nextCursor": "more"}}
    if method == "tools/call":
        return call(message)
    if method == "resources/read":
        say({"method": "notifications/resources/updated", "params": {"uri": params["uri"]}})
        return {"result": {"contents": [{"uri": params["uri"], "text": "read"}]}}
    if method == "resources/list":
        return {"result": {"resources": [{"uri": "a://b", "name": "b"}]}}
    if method == "prompts/get":
        return {
            "result": {
                "messages": [{"role": "user", "content": {"type": "text", "text": params["name"]}}]
            }
        }
    if method == "completion/complete":
        return {"result": {"completion": {"values": ["one"], "total": 1}}}
    if method in ("ping", "logging/setLevel", "resources/subscribe"):
        return {"result": {}}
    return {"error": {"code": -32601, "message": f"no {method}"}}


def serve(message: dict[str, Any]) -> None:
    done = answer(message)
    if done is None:
        return
    if "result" in done and MODERN in message.get("params", {}).get("_meta", {}):
        done["result"].setdefault("resultType", "complete")
        if message["method"] in ("tools/list", "resources/list", "resources/read"):
            done["result"].setdefault("ttlMs", 0)
            done["result"].setdefault("cacheScope", "private")
    say({"id": message["id"], **done})


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "method" not in message:
            ANSWERS[message["id"]] = message.get("result", message.get("error"))
            RUNG[message["id"]].set()
        elif "id" in message:
            threading.Thread(target=serve, args=(message,), daemon=True).start()
        elif message["method"] == "notifications/cancelled":
            CANCELLED.setdefault(
                json.dumps(message["params"]["requestId"]), threading.Event()
            ).set()
        else:
            say(
                {
                    "method": "notifications/message",
                    "params": {"level": "debug", "data": message["method"]},
                }
            )
    time.sleep(0.05)


if __name__ == "__main__":
    main()
