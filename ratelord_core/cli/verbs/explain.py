"""``ratelord explain``: why was this answered so?"""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from ratelord_core.cli import known_ids, words
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import LOOK, Json
from ratelord_core.cli.outcome import DONE
from ratelord_core.cli.screen import print_json, say


def register(app: App) -> None:
    """Add the verb."""
    app.command(explain, group=LOOK)


def explain(
    intent_id: Annotated[str, Parameter(completer=known_ids.intents)],
    /,
    *,
    json: Json = False,
) -> int:
    """Tell why an intent was answered as it was, from the log.

    Parameters
    ----------
    intent_id
        The intent, as ask printed it.
    """
    with open_client() as client:
        story = client.explain(intent_id)
    if json:
        print_json(story)
    else:
        _tell(story)
    return DONE


def _tell(story: dict[str, Any]) -> None:
    for sentence in story.get("story") or [_plain_story(story)]:
        say(words.plain(sentence))


def _plain_story(story: dict[str, Any]) -> str:
    decision = story.get("decision") or {}
    return f"{decision.get('decision', 'no decision')}: {decision.get('reason', '')}"
