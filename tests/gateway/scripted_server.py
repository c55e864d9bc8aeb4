"""An MCP server that does as its tools' arguments say, on raw lines: no library between.

It speaks as much of either era as the tests need, and is deliberately odd: unknown fields, noise.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

LOCK = threading.Lock()
CANCELLED: dict[str, threading.Event] = {}
ANSWERS: dict[str, Any] = {}
RUNG: dict[str, threading.Event] = {}
CALLS: list[str] = []
MODERN = "io.modelcontextprotocol/protocolVersion"
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
ANY = {"type": "object"}
TOOLS = [
    {"name": "echo", "inputSchema": ANY, "x-unknown": {"kept": 1.5}},
    {"name": "shaped", "inputSchema": ANY, "outputSchema": NUMBER},
]
Answer = dict[str, Any] | None


def say(message: dict[str, Any]) -> None:
    with LOCK:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def log(data: str) -> None:
    say({"method": "notifications/message", "params": {"level": "info", "data": data}})


def text(said: str, **more: Any) -> Answer:
    return {"result": {"content": [{"type": "text", "text": said}], **more}}


def ask(method: str, params: dict[str, Any]) -> Answer:
    """What the client answers to a request of ours."""
    name = f"s{len(RUNG)}"
    RUNG[name] = threading.Event()
    say({"id": name, "method": method, "params": params})
    RUNG[name].wait(20)
    return text(json.dumps(ANSWERS.get(name)))


# --- tools ------------------------------------------------------------------------------------


def echo(message: dict[str, Any]) -> Answer:
    params = message["params"]
    seen = {"x.example/kept": params.get("_meta", {})}
    return text(json.dumps(params.get("arguments")), _meta=seen, unknown="kept")


def count(_message: dict[str, Any]) -> Answer:
    return text(json.dumps(CALLS))


def usage(message: dict[str, Any]) -> Answer:
    return text("ok", _meta={"usage": {"total_tokens": message["params"]["arguments"]["tokens"]}})


def fail(message: dict[str, Any]) -> Answer:
    return text(message["params"]["arguments"]["said"], isError=True)


def refuse(message: dict[str, Any]) -> Answer:
    arguments = message["params"]["arguments"]
    return {
        "error": {"code": arguments["code"], "message": arguments["said"], "data": {"odd": [1]}}
    }


def progress(message: dict[str, Any]) -> Answer:
    token = message["params"]["_meta"]["progressToken"]
    for step in range(3):
        said = {"progressToken": token, "progress": step, "total": 2}
        say({"method": "notifications/progress", "params": said})
    return text("done")


def slow(message: dict[str, Any]) -> Answer:
    stop = CANCELLED.setdefault(json.dumps(message["id"]), threading.Event())
    log("began")
    if stop.wait(20):
        log("stopped")
        return None
    return text("slept")


def human(message: dict[str, Any]) -> Answer:
    params = message["params"]
    asked = {"message": "n?", "requestedSchema": NUMBER}
    if MODERN not in params.get("_meta", {}):
        return ask("elicitation/create", asked)
    if "inputResponses" in params:
        return text(json.dumps([params["inputResponses"], params["requestState"]]))
    asks = {"q": {"method": "elicitation/create", "params": {"mode": "form", **asked}}}
    return {"result": {"resultType": "input_required", "inputRequests": asks, "requestState": "o"}}


def sample(_message: dict[str, Any]) -> Answer:
    said = {"role": "user", "content": {"type": "text", "text": "hi"}}
    return ask("sampling/createMessage", {"messages": [said], "maxTokens": 5})


def roots(_message: dict[str, Any]) -> Answer:
    return ask("roots/list", {})


def grow(_message: dict[str, Any]) -> Answer:
    say({"method": "notifications/tools/list_changed"})
    return text("grown")


def noise(_message: dict[str, Any]) -> Answer:
    with LOCK:
        sys.stdout.write("this is no message\n")
        sys.stdout.flush()
    return text("loud")


def die(_message: dict[str, Any]) -> Answer:
    os._exit(7)


def shaped(_message: dict[str, Any]) -> Answer:
    return text('{"n":1}', structuredContent={"n": 1})


ACTS: dict[str, Callable[[dict[str, Any]], Answer]] = {
    act.__name__: act
    for act in (
        *(echo, count, usage, fail, refuse, progress, slow, human, sample),
        *(roots, grow, noise, die, shaped),
    )
}


# --- the protocol -----------------------------------------------------------------------------


def call(message: dict[str, Any]) -> Answer:
    name = message["params"]["name"]
    CALLS.append(name)
    return ACTS.get(name, echo)(message)


def initialize(message: dict[str, Any]) -> Answer:
    offered = {"tools": {"listChanged": True}, "resources": {"subscribe": True}, "prompts": {}}
    offered |= {"completions": {}, "logging": {}, "experimental": {"odd": {}}}
    server = {"name": "scripted", "version": "1", "odd": True}
    version = message["params"]["protocolVersion"]
    return {"result": {"protocolVersion": version, "capabilities": offered, "serverInfo": server}}


def discover(_message: dict[str, Any]) -> Answer:
    server = {"name": "scripted", "version": "1"}
    found = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
    return {"result": {**found, "serverInfo": server, "ttlMs": 0, "cacheScope": "private"}}


def list_tools(message: dict[str, Any]) -> Answer:
    if message.get("params", {}).get("cursor") == "more":
        return {"result": {"tools": [{"name": "last", "inputSchema": ANY}], "ttlMs": 0}}
    return {"result": {"tools": TOOLS, "nextCursor": "more", "ttlMs": 0, "cacheScope": "private"}}


def read(message: dict[str, Any]) -> Answer:
    uri = message["params"]["uri"]
    say({"method": "notifications/resources/updated", "params": {"uri": uri}})
    return {"result": {"contents": [{"uri": uri, "text": "read"}], "ttlMs": 0}}


def nothing(_message: dict[str, Any]) -> Answer:
    return {"result": {}}


METHODS: dict[str, Callable[[dict[str, Any]], Answer]] = {
    "initialize": initialize,
    "server/discover": discover,
    "tools/list": list_tools,
    "tools/call": call,
    "resources/read": read,
    "resources/subscribe": nothing,
    "logging/setLevel": nothing,
    "ping": nothing,
    "prompts/get": lambda m: {"result": {"messages": [], "description": m["params"]["name"]}},
    "completion/complete": lambda _: {"result": {"completion": {"values": ["one"], "total": 1}}},
}


def serve(message: dict[str, Any]) -> None:
    unknown = {"error": {"code": -32601, "message": f"no {message['method']}", "data": 1}}
    done = METHODS.get(message["method"], lambda _: unknown)(message)
    if done is None:
        return
    if "result" in done and MODERN in message.get("params", {}).get("_meta", {}):
        done["result"].setdefault("resultType", "complete")
    say({"id": message["id"], **done})


def take(message: Any) -> None:
    if isinstance(message, list):
        log(f"batch of {len(message)}")
    elif "method" not in message:
        ANSWERS[message["id"]] = message.get("result", message.get("error"))
        RUNG[message["id"]].set()
    elif message["method"] == "tools/call" and "id" in message:
        threading.Thread(target=serve, args=(message,), daemon=True).start()
    elif "id" in message:
        serve(message)  # on this thread, so that it is answered even if the input ends at once
    elif message["method"] == "notifications/cancelled":
        stop = json.dumps(message["params"]["requestId"])
        CANCELLED.setdefault(stop, threading.Event()).set()
    else:
        log(message["method"])


if __name__ == "__main__":
    for line in sys.stdin:
        try:
            take(json.loads(line))
        except ValueError:
            log("no message")
