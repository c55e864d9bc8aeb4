"""``ratelord policy shadow``: a policy evaluated beside the one in force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from ratelord_core.cli import words
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import Json
from ratelord_core.cli.outcome import DONE, USAGE, CommandFailed
from ratelord_core.cli.screen import hint, print_json, say


def shadow(
    file: Path | None = None,
    /,
    *,
    off: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Evaluate a policy beside the one in force, or show how the present one fares.

    It decides nothing: it follows the log in a process of its own, and what it would have answered
    otherwise is logged as shadow_differed. One that fails is named and switched off.

    Parameters
    ----------
    file
        The policy file to evaluate from now on; without, the present shadow is shown.
    off
        Evaluate none any more.
    """
    if off and file is not None:
        raise CommandFailed("--off takes no file: either set a shadow or take it away", USAGE)
    with open_client(at_least=30.0) as client:
        if off:
            client.end_shadow()
        elif file is not None:
            client.begin_shadow(file.read_text(encoding="utf-8"))
        found = client.shadow()
    if json:
        print_json(found)
    else:
        _tell(found)
    return DONE


def _tell(found: dict[str, Any]) -> None:
    state = found["state"]
    if state == "off":
        say("No policy is evaluated beside the one in force.")
        return
    since, version = words.time_of_day(found["since"]), words.plain(found["version"])
    if state == "failed":
        say(f"Shadow {version} was switched off: {words.plain(found['error'])}", "red")
    else:
        begun = " (still reading the log)" if state == "starting" else ""
        say(f"Shadow {version} is evaluated since {since}{begun}.")
    counted = [f"{count} {kind}" for kind, count in found["differences"].items()]
    say(f"Answered otherwise: {', '.join(counted) or 'none yet'}.")
    if counted:
        hint("See them: ratelord events --type shadow_differed")
