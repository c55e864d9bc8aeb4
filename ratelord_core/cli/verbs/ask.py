"""``ratelord ask``: may this action go ahead?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from ratelord_core.cli import known_ids
from ratelord_core.cli.asker import default_agent, default_identity
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import ASK, Json
from ratelord_core.cli.outcome import DENIED, DONE, FAILED, UNREACHABLE
from ratelord_core.cli.question import NOTHING_SAID, Question
from ratelord_core.cli.screen import hint, print_json, print_table, say
from ratelord_core.cli.sentences import decision_sentence

if TYPE_CHECKING:
    from ratelord import Client, Decision


def register(app: App) -> None:
    """Add the verb."""
    app.command(ask, group=ASK)


def ask(
    workload: Annotated[str, Parameter(completer=known_ids.workloads)],
    scope: Annotated[str, Parameter(completer=known_ids.scopes)] = "global",
    /,
    *,
    question: Question = NOTHING_SAID,
    wait: Annotated[bool, Parameter(negative=())] = False,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    debug: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Ask whether an action may go ahead, and hold what it needs.

    Exit code 0: approved; 3: denied; 4: no daemon.

    Parameters
    ----------
    workload
        What kind of work it is.
    scope
        Where: repo:…, org:…, env:…, or global.
    wait
        If told to wait, sleep until the action may start.
    dry_run
        Say what the answer would be; hold nothing.
    debug
        Show every rule that was looked at.
    """
    options = question.options(debug=debug)
    with open_client() as client:
        agent = question.agent or default_agent()
        identity = question.identity or default_identity(client)
        put = client.propose if dry_run else client.ask
        decision = put(agent, identity, workload, scope, **options)
        _show(decision, workload, json=json, dry_run=dry_run)
        if wait and decision.allowed and not dry_run:
            _sleep(client, decision)
    return _code(decision)


def _show(decision: Decision, workload: str, *, json: bool, dry_run: bool) -> None:
    if json:
        print_json(decision.as_wire())
        return
    if decision.synthetic:
        print(f"ratelord: {decision_sentence(decision, workload)}", file=sys.stderr)
        return
    style = "green" if decision.decision == "approve" else "yellow" if decision.allowed else "red"
    say(decision_sentence(decision, workload, dry_run=dry_run), style)
    if decision.trace:
        print_table(
            ("policy", "rule", "condition", "true", "action"),
            [
                [
                    str(step.get(n, ""))
                    for n in ("policy_id", "rule", "condition", "result", "action")
                ]
                for step in decision.trace
            ],
        )
    if not dry_run:
        verb = "report" if decision.allowed else "explain"
        hint(f"next: ratelord {verb} {decision.intent_id}")


def _sleep(client: Client, decision: Decision) -> None:
    import time

    try:
        time.sleep(decision.wait_seconds)
    except KeyboardInterrupt:
        # Nothing was done with the hold: give it back instead of letting it expire into use.
        client.report(decision.intent_id, outcome="cancelled")
        raise


def _code(decision: Decision) -> int:
    if decision.allowed:
        return DONE
    if decision.synthetic:
        return UNREACHABLE if decision.reason_code == "daemon_unreachable" else FAILED
    return DENIED
