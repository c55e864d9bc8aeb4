"""Asks the daemon before a coding agent's tool runs: once, from a process that then ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ratelord import Client, DaemonUnreachable, Decision, RatelordError, RequestRefused
from ratelord.connection import Connection
from ratelord.wire import new_key, without_daemon
from ratelord_core.model.ids import is_id
from ratelord_mcp.pre_tool import ToolUse

if TYPE_CHECKING:
    from ratelord_core.tool_mapping import ToolPlan

HOST: Final = "agent"
"""What a host's own tools are called in the policy: ``agent/Bash``."""


_PARTING: Final = 1.0
"""Seconds that each of its last words may take: hosts wait for two before they kill."""


class Asker(msgspec.Struct, frozen=True):
    """Who asks, and how far it goes. ``identity`` is asked for only if the policy names none;
    ``max_wait`` is in seconds."""

    agent: str
    identity: Callable[[Client], str]
    scope: str
    max_wait: float


def decide(use: ToolUse, asker: Asker, tried: Iterable[Connection]) -> Decision | None:
    """The answer of the first daemon that gives one, after the wait that it asks for; None if the
    policy wants no question for such a tool.

    Without a daemon, and for a question that no daemon takes, it is a denial.
    """
    error: RatelordError = DaemonUnreachable("no daemon; start one with: ratelord up")
    for place in tried:
        with Client(place.url, socket=place.socket, token=place.token) as client:
            try:
                return _decided(client, use, asker)
            except RatelordError as found:
                error = found
                if error.code != "daemon_unreachable":
                    break
    if isinstance(error, RequestRefused):
        return _denial(str(error))  # asked again as it is, it would be refused again
    return without_daemon(error, "deny")


def _decided(client: Client, use: ToolUse, asker: Asker) -> Decision | None:
    told = client.tool_mapping()
    if not told.get("tools"):  # reading expressions takes longer than all the rest
        return _asked(client, use, asker, _name(use), asker.scope, {})
    from ratelord_core.tool_mapping import (  # noqa: PLC0415 - as just said
        MappingFailed,
        ToolMapping,
    )

    try:
        plan = ToolMapping.from_wire(told).plan(
            use.server or HOST, use.tool, use.arguments, asker.scope
        )
    except MappingFailed:  # its words may hold what the tool was given
        return _denial("the policy's tools cannot say what this call is; see its entries")
    return _planned(client, use, asker, plan) if plan.ask else None


def _planned(client: Client, use: ToolUse, asker: Asker, plan: ToolPlan) -> Decision:
    named = plan.identity_id
    if named:
        asker = msgspec.structs.replace(asker, identity=lambda _: named)
    return _asked(client, use, asker, plan.workload_id, plan.scope_id, plan.options)


def _asked(
    client: Client, use: ToolUse, asker: Asker, workload: str, scope: str, options: dict[str, Any]
) -> Decision:
    wait = min(options.get("max_wait", asker.max_wait), asker.max_wait)
    context = {"run_id": use.session} if use.session else None
    ids = (asker.agent, asker.identity(client), workload, scope)
    said = {"max_wait": wait, "idempotency_key": use.key or new_key(), "client_context": context}
    try:
        decision = client.ask(*ids, auto_wait=False, **{**options, **said})
    except (KeyboardInterrupt, SystemExit):
        with _last_words(client) as briefly:  # the key gives the answer, if there is one by now
            unheard = briefly.ask(*ids, auto_wait=False, **{**options, **said})
            if unheard.intent_id and unheard.allowed:
                briefly.report(unheard.intent_id, outcome="cancelled")
        raise
    return _kept(client, decision) if decision.intent_id and decision.allowed else decision


def _kept(client: Client, decision: Decision) -> Decision:
    """Do what the answer asks for, or give back what it holds: a host can only wait."""
    beyond = _beyond_waiting(decision)
    if beyond:
        client.report(decision.intent_id, outcome="cancelled")
        return _denial(f"only if changed ({beyond}): {decision.reason}")
    try:
        time.sleep(decision.wait_seconds)
    except BaseException:
        with _last_words(client) as briefly:
            briefly.report(decision.intent_id, outcome="cancelled")
        raise
    return decision


@contextmanager
def _last_words(client: Client) -> Iterator[Client]:
    """The same daemon for a host that has given up, and waits no longer for it than it must. What
    cannot be given back expires, and another daemon is not asked instead."""
    place, patience = client.connection, min(client.timeout, _PARTING)
    with (
        suppress(RatelordError),
        Client(place.url, socket=place.socket, token=place.token, timeout=patience) as briefly,
    ):
        yield briefly


def _beyond_waiting(decision: Decision) -> str:
    wanted: dict[str, Any] = msgspec.to_builtins(decision.modifications)
    return ", ".join(f"{name} {told}" for name, told in wanted.items() if name != "wait_seconds")


def _denial(reason: str) -> Decision:
    return Decision("", "deny_with_reason", allowed=False, reason_code="policy", reason=reason)


def _name(use: ToolUse) -> str:
    """A tool as the mapping names it when no entry does."""
    name = f"{use.server or HOST}/{use.tool}"
    if is_id(name):
        return name
    from ratelord_core.tool_mapping import as_id  # noqa: PLC0415 - rarely needed

    return as_id(name)
