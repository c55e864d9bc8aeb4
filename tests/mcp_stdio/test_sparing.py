"""The protocol's library is imported without the half that this process never uses."""

from __future__ import annotations

import json
import subprocess
import sys

IMPORTS = """
import json, sys
from ratelord_mcp.sparing import sparingly
with sparingly():
    import ratelord_mcp.verbs.serving
"""
LOADED = "print(json.dumps(sorted(sys.modules)))"
UNUSED = {
    "click",
    "httpx2",
    "mcp.client.client",
    "mcp.server.mcpserver",
    "networkx",
    "pydantic_settings",
    "sqlalchemy",
    "uvicorn",
}


def _run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS + code],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    return done.stdout


def test_what_is_not_needed_to_greet_a_client_is_not_loaded():
    assert not UNUSED & set(json.loads(_run(LOADED)))


def test_whoever_wants_the_rest_of_the_library_gets_it():
    code = """
import mcp, mcp.server, uvicorn
from mcp import Client, types
from mcp.server import MCPServer
assert mcp.Client is Client and mcp.types is types and mcp.server.MCPServer is MCPServer
assert type(mcp) is type(json)
print("all there", uvicorn.__name__)
"""
    assert _run(code) == "all there uvicorn\n"
