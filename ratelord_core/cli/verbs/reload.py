"""``ratelord reload``: read the policy file again."""

from __future__ import annotations

from cyclopts import App

from ratelord_core.cli import words
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import ADMINISTER, Json
from ratelord_core.cli.outcome import DONE
from ratelord_core.cli.screen import print_json, say


def register(app: App) -> None:
    """Add the verb."""
    app.command(reload, group=ADMINISTER)


def reload(*, json: Json = False) -> int:
    """Make the daemon read its policy file again; a bad file changes nothing."""
    with open_client() as client:
        done = client.reload_policy()
    if json:
        print_json(done)
    elif done.get("changed"):
        say(f"Policy {words.plain(done.get('version', ''))[:12]} is in force.")
        for mark, key in (("+", "added"), ("-", "removed"), ("~", "what_changed")):
            for name in done.get(key) or ():
                say(f"  {mark} {words.plain(name)}")
    else:
        say("The policy did not change.")
    if not json:
        for warning in done.get("warnings") or ():
            say(f"Not yet: {words.plain(warning)}.", "yellow")
    return DONE
