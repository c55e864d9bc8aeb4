"""``ratelord hook``: answers for hosts that ask before their tools run."""

from __future__ import annotations

import sys
from typing import Literal

from cyclopts import App

from ratelord import Decision
from ratelord_core.cli.asker import default_agent, default_identity
from ratelord_core.cli.options import ASK
from ratelord_core.cli.outcome import DONE, USAGE
from ratelord_core.leaving import leaves_when_told
from ratelord_mcp import pre_tool
from ratelord_mcp.bridge.finding import note_path, places
from ratelord_mcp.pre_tool import NoToolUse, Verdict
from ratelord_mcp.pre_tool_desk import Asker, decide

app = App(
    name="hook",
    help="Ask on behalf of a coding agent that calls hooks before its tools.",
    group=ASK,
)


@app.command(name="pre-tool-use")
def pre_tool_use(
    *,
    agent: str | None = None,
    identity: str | None = None,
    scope: str = "global",
    max_wait: float = 30.0,
    on_approve: Literal["allow", "pass"] = "allow",
    on_unreachable: Literal["deny", "allow", "ask"] = "deny",
    url: str | None = None,
) -> int:
    """Read what a host says before a tool runs, ask the daemon, print the host's answer.

    What a tool is, says the policy's section tools: SERVER/TOOL for one of an MCP server,
    agent/TOOL for one of the host. A wait within --max-wait is waited for here; a longer one is a
    denial that says when to come back. Exit code 0: the answer is on standard output; 2, which
    hosts take for a denial: the input is no tool use.

    Parameters
    ----------
    agent
        Who asks; else RATELORD_AGENT, else cli: and your name.
    identity
        Whose credential is charged; else RATELORD_IDENTITY, else the only registered one.
    scope
        Where, unless the policy says: repo:…, org:…, env:…, or global.
    max_wait
        Longest wait in seconds; keep it below the host's own limit for hooks.
    on_approve
        allow: the tool runs without further questions; pass: the host's own permissions decide.
    on_unreachable
        What to answer when no daemon does.
    url
        Where the daemon is.
    """
    try:
        use = pre_tool.read(sys.stdin.buffer.read(pre_tool.LARGEST))
    except NoToolUse as error:
        print(f"ratelord: {error}", file=sys.stderr)
        return USAGE
    asker = Asker(
        agent or default_agent(),
        (lambda client: identity or default_identity(client)),
        scope,
        max_wait,
    )
    with leaves_when_told(USAGE):  # given up by its host, it gives back what it holds
        decision = decide(use, asker, places(url, None, note_path()))
    verdict, reason = _judged(decision, on_approve, on_unreachable)
    print(pre_tool.written(pre_tool.answer(use, verdict, f"ratelord: {reason}")))
    return DONE


def _judged(
    decision: Decision | None, on_approve: Verdict, on_unreachable: Verdict
) -> tuple[Verdict, str]:
    if decision is None:
        return on_approve, "the policy asks nothing of this tool"
    if decision.synthetic:
        return on_approve if on_unreachable == "allow" else on_unreachable, decision.reason
    if decision.allowed:
        return on_approve, decision.reason
    return "deny", f"{decision.reason.rstrip('.')}. {_next_step(decision)}"


def _next_step(decision: Decision) -> str:
    if decision.retry_after_seconds is None:
        return "Change the request; trying again as it is would be in vain."
    from datetime import UTC, datetime, timedelta

    at = datetime.now(UTC) + timedelta(seconds=decision.retry_after_seconds)
    return f"retry_at {at:%Y-%m-%dT%H:%M:%SZ}: do other work until then."
