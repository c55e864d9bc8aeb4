"""``ratelord mcp``: the door on standard input and output."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from ratelord_core.cli.options import START
from ratelord_core.cli.outcome import DONE, USAGE, CommandFailed
from ratelord_core.leaving import leaves_when_told
from ratelord_mcp.verbs.wrap import wrap

app = App(
    name="mcp",
    help="Serve MCP over standard input and output, set up hosts, wrap other servers.",
    group=START,
)
app.command(wrap)
app.command(
    "ratelord_mcp.verbs.setting_up:config",
    name="config",
    help="Print what a host needs in order to start ratelord, or write it into the host's file.",
)
app.command(
    "ratelord_mcp.verbs.setting_up:instructions",
    name="instructions",
    help="Print the block for agents' files of instructions, or put it there.",
)
_switch = Parameter(negative=())


@app.default
def serve(
    *,
    url: str | None = None,
    token: str | None = None,
    no_start: Annotated[bool, _switch] = False,
    embedded: Annotated[bool, _switch] = False,
) -> int:
    """Serve MCP over standard input and output, as a bridge to the one daemon of this user.

    Without --url, RATELORD_URL or RATELORD_SOCKET the daemon is looked for where it would be, and
    started in the background if it is not there; it stays when the client leaves.

    Parameters
    ----------
    url
        Where the daemon is; it is then never started from here.
    token
        Who is calling; better set RATELORD_TOKEN, which nobody sees in a list of processes.
    no_start
        Start no daemon; every question is denied until there is one.
    embedded
        Decide in this process, without a daemon: budgets are then shared with nobody.
    """
    if embedded and (url or no_start or token):
        raise CommandFailed(
            "--embedded uses no daemon; leave out --url, --token and --no-start", USAGE
        )

    from ratelord_mcp.sparing import sparingly

    with leaves_when_told():
        with sparingly():
            from ratelord_mcp.verbs.serving import serve_bridge, serve_embedded

        if embedded:
            serve_embedded()
        else:
            serve_bridge(url, token, start=not no_start)
    return DONE
