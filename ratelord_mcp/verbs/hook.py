"""``ratelord hook``: answers for hosts that ask before their tools run."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from cyclopts import App

from ratelord import Client, DaemonUnreachable, Decision
from ratelord.wire import without_daemon
from ratelord_core.cli.asker import default_agent, default_identity
from ratelord_core.cli.options import ASK
from ratelord_core.cli.outcome import DONE, USAGE
from ratelord_mcp import pre_tool
from ratelord_mcp.bridge.finding import note_path, places
from ratelord_mcp.pre_tool import NoToolUse, ToolUse, Verdict

if TYPE_CHECKING:
    from ratelord.wire import AskOptions

app = App(
    name="hook",
    help="Ask on behalf of a coding agent that calls hooks before its tools.",
    group=ASK,
)
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9._:/@+-]+")


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

    The workload is the tool's name, for a tool of an MCP server SERVER/TOOL. A wait within
    --max-wait is waited for here; a longer one is a denial that says when to come back. Exit code
    0: the answer is on standard output; 2, which hosts take for a denial: the input is no tool use.

    Parameters
    ----------
    agent
        Who asks; else RATELORD_AGENT, else cli: and your name.
    identity
        Whose credential is charged; else RATELORD_IDENTITY, else the only registered one.
    scope
        Where: repo:…, org:…, env:…, or global.
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
    who = (agent or default_agent(), identity, _id(scope))
    decision = _decided(use, who, max_wait, url)
    verdict, reason = _judged(decision, on_approve, on_unreachable)
    _print(pre_tool.answer(use, verdict, f"ratelord: {reason}"))
    return DONE


def _decided(
    use: ToolUse, who: tuple[str, str | None, str], max_wait: float, url: str | None
) -> Decision:
    """The answer of the first daemon there is, after the wait that it asks for."""
    decision: Decision | None = None
    for place in places(url, None, note_path()):
        with Client(place.url, socket=place.socket, token=place.token) as client:
            decision = _asked(client, use, who, max_wait)
        if decision.reason_code != "daemon_unreachable":
            break
    if decision is None:
        nobody = DaemonUnreachable("no daemon; start one with: ratelord up")
        return without_daemon(nobody, "deny")
    return decision


def _asked(
    client: Client, use: ToolUse, who: tuple[str, str | None, str], max_wait: float
) -> Decision:
    agent, identity, scope = who
    workload = _id(f"{use.server}/{use.tool}" if use.server else use.tool)
    options: AskOptions = {"max_wait": max_wait, "idempotency_key": use.key and _id(use.key)}
    decision = client.ask(
        agent, identity or default_identity(client), workload, scope, auto_wait=False, **options
    )
    if decision.allowed and not decision.synthetic:
        return _kept(client, decision)
    return decision


def _kept(client: Client, decision: Decision) -> Decision:
    """Do what the answer asks for, or give back what it holds: a host can only wait."""
    import time

    beyond = _beyond_waiting(decision)
    if beyond:
        client.report(decision.intent_id, outcome="cancelled")
        return msgspec.structs.replace(
            decision,
            decision="deny_with_reason",
            allowed=False,
            reason=f"only if changed: {beyond}; {decision.reason}",
        )
    try:
        time.sleep(decision.wait_seconds)
    except BaseException:
        client.report(decision.intent_id, outcome="cancelled")
        raise
    return decision


def _beyond_waiting(decision: Decision) -> str:
    wanted: dict[str, Any] = msgspec.to_builtins(decision.modifications)
    return ", ".join(f"{name} {told}" for name, told in wanted.items() if name != "wait_seconds")


def _judged(
    decision: Decision, on_approve: Verdict, on_unreachable: Verdict
) -> tuple[Verdict, str]:
    if decision.synthetic:
        approved: Verdict = on_approve if on_unreachable == "allow" else on_unreachable
        return approved, decision.reason
    if decision.allowed:
        return on_approve, decision.reason
    return "deny", f"{decision.reason.rstrip('.')}. {_next_step(decision)}"


def _next_step(decision: Decision) -> str:
    if decision.retry_after_seconds is None:
        return "Change the request; trying again as it is would be in vain."
    from datetime import UTC, datetime, timedelta

    at = datetime.now(UTC) + timedelta(seconds=decision.retry_after_seconds)
    return f"retry_at {at:%Y-%m-%dT%H:%M:%SZ}: do other work until then."


def _id(text: str) -> str:
    return _NOT_IN_IDS.sub("-", text)[:256] or "-"


def _print(answer: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
