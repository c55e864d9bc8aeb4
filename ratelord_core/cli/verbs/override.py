"""``ratelord override``: a human allows once what a rule denied."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from ratelord_core.cli import known_ids
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import ADMINISTER, Json
from ratelord_core.cli.outcome import DENIED, DONE
from ratelord_core.cli.screen import hint, print_json, say
from ratelord_core.cli.sentences import decision_sentence


def register(app: App) -> None:
    """Add the verb."""
    app.command(override, group=ADMINISTER)


def override(
    intent_id: Annotated[str, Parameter(completer=known_ids.intents)],
    /,
    *,
    reason: str = "",
    by: str | None = None,
    json: Json = False,
) -> int:
    """Allow once what an overridable rule denied; other rules and limits go on to bind.

    Exit code 0: approved; 3: denied all the same.

    Parameters
    ----------
    intent_id
        The denied intent, as ask printed it.
    reason
        Why; it goes into the log.
    by
        Who allows it; your user name if nothing is said. A token's identity comes first.
    """
    from ratelord_core.cli.asker import user

    with open_client() as client:
        decision = client.override(intent_id, by=by or user(), reason=reason)
    if json:
        print_json(decision.as_wire())
        return DONE if decision.allowed else DENIED
    style = "yellow" if decision.allowed else "red"
    say(decision_sentence(decision, "the denied work"), style)
    verb = "report" if decision.allowed else "explain"
    hint(f"next: ratelord {verb} {decision.intent_id}")
    return DONE if decision.allowed else DENIED
