"""What the daemon is asked, and the policy that it judges by."""

from __future__ import annotations

import json

POOLS = ("bench/requests", "bench/tokens")
MCP_REVISION = "2026-07-28"
ROOM = 2**50
"""So much that nothing binds: a denial would be cheaper than what is measured."""


def policy(rules: int) -> str:
    """A policy document: two pools, and so many rules that look at every intent."""
    return json.dumps(
        {
            "pools": [
                {
                    "id": key,
                    "unit": key.partition("/")[2],
                    "limit": ROOM,
                    "window": {"kind": "fixed", "every": "720h"},
                    "shared_by": ["*"],
                }
                for key in POOLS
            ],
            "workloads": {"bench": {"consumes": {POOLS[0]: 1, POOLS[1]: 100}}},
            "policies": [
                {"id": "bench", "scope": "global", "rules": [_rule(n) for n in range(rules)]}
            ],
        }
    )


def intent() -> str:
    """One intent; ``AGENT`` is replaced by each of 64 agents in turn."""
    return json.dumps(
        {
            "agent_id": "AGENT",
            "identity_id": "key:bench",
            "workload_id": "bench",
            "scope_id": "repo:acme/api",
            "urgency": "normal",
            "expected_cost": 1,
        }
    )


def tool_call() -> str:
    """The same intent as a model asks it: ``ask_intent`` over MCP, in the stateless era."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MCP_REVISION,
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"_meta": meta, "name": "ask_intent", "arguments": json.loads(intent())}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


def tool_headers(**changed: str) -> dict[str, str]:
    """What goes with a tool call."""
    return {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": MCP_REVISION,
        "Mcp-Method": "tools/call",
        "Mcp-Name": "ask_intent",
    } | changed


def batch(size: int) -> str:
    """So many intents in one body."""
    return json.dumps({"intents": [json.loads(intent()) for _ in range(size)]})


def _rule(number: int) -> dict[str, object]:
    condition = f"remaining < {number} && intent.urgency == 'background' && risk.p_exhaustion > 0.9"
    return {
        "name": f"rule-{number}",
        "condition": condition,
        "action": "deny",
        "params": {"reason": "full"},
    }
