"""``ratelord mcp wrap``: a gateway before any MCP server."""

from __future__ import annotations

import os
from typing import Annotated, Literal
from urllib.parse import urlsplit

from cyclopts import Parameter

from ratelord_core.cli.outcome import USAGE, CommandFailed
from ratelord_core.leaving import leaves_when_told


def wrap(
    *command: Annotated[str, Parameter(allow_leading_hyphen=True)],
    url: str = "",
    name: str = "",
    header_env: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    agent: str = "",
    identity: str = "",
    scope: str = "global",
    run_id: str = "",
    max_wait: float = 30.0,
    on_unreachable: Literal["deny", "allow"] = "deny",
    no_start: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Stand before an MCP server and ask the daemon before every tool call; all else passes.

    What a call is (work, scope, cost) says the policy file's section tools.

    Parameters
    ----------
    command
        The server's command with its arguments, after --.
    url
        The address of a server over streamable HTTP, instead of a command. Its token is taken from
        RATELORD_UPSTREAM_TOKEN.
    name
        What the server is called in the policy; by default after its command or address.
    header_env
        A header for the server, its value in the environment, as NAME=VARIABLE; may be repeated.
    agent
        Who asks; else RATELORD_AGENT, else mcp: and the client's own name.
    identity
        Whom it is charged to; else RATELORD_IDENTITY, else nobody known.
    scope
        Where calls happen whose entry names no scope.
    run_id
        The run that the calls belong to, for caps of runs; else RATELORD_RUN_ID, else a new one
        each start.
    max_wait
        The longest wait for a call, in seconds.
    on_unreachable
        What becomes of calls while no daemon answers.
    no_start
        Start no daemon; calls are refused until there is one.
    """
    check_server(command, url)
    headers = read_headers(header_env) if url else {}

    with leaves_when_told():
        from ratelord.wire import new_key
        from ratelord_mcp.bridge.opening import line_to_daemon
        from ratelord_mcp.gateway.desk import Asker
        from ratelord_mcp.gateway.serving import Wrapped, named, run

        asker = Asker(
            server=name or named(command, url),
            agent=agent or os.environ.get("RATELORD_AGENT", ""),
            identity=identity or os.environ.get("RATELORD_IDENTITY", "") or "sentinel:unknown",
            scope=scope,
            max_wait=max_wait,
            on_unreachable=on_unreachable,
            run=run_id or os.environ.get("RATELORD_RUN_ID", "") or new_key(),
        )
        line = line_to_daemon(None, None, start=not no_start)
        try:
            return run(Wrapped(tuple(command), url, headers), asker, line)
        except FileNotFoundError as error:
            said = f"there is no command {command[0]!r}; give its whole path"
            raise CommandFailed(said) from error


def check_server(command: tuple[str, ...], url: str) -> None:
    """Whether one server is named, at an address that can be one."""
    if bool(command) == bool(url):
        said = "name one server: either --url ADDRESS or -- COMMAND ARGUMENTS"
        raise CommandFailed(said, USAGE)
    if url and not is_address(url):
        said = f"--url {url!r} is not an address; write it like https://search.example.com/mcp"
        raise CommandFailed(said, USAGE)


def is_address(url: str) -> bool:
    """Whether it could be where an HTTP server is."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def read_headers(given: tuple[str, ...]) -> dict[str, str]:
    """Headers by name; their values, which are secret, come from the environment."""
    headers = {}
    token = os.environ.get("RATELORD_UPSTREAM_TOKEN")
    if token:
        headers["authorization"] = f"Bearer {token}"
    for each in given:
        header, _, variable = each.partition("=")
        value = os.environ.get(variable) if variable else None
        if not header or value is None:
            said = f"--header-env {each}: write NAME=VARIABLE, and set that variable"
            raise CommandFailed(said, USAGE)
        headers[header] = value
    return headers
