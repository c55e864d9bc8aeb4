"""``ratelord mcp config`` and ``ratelord mcp instructions``: make a host know us."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ratelord.connection import resolve
from ratelord_core.cli.outcome import DONE, USAGE, CommandFailed
from ratelord_core.cli.screen import say
from ratelord_mcp.hosts import instructions as block
from ratelord_mcp.hosts.host import HOSTS, Entry, HostName, file_of, merged, snippet
from ratelord_mcp.hosts.writing import Change, change

_switch = Parameter(negative=())


def config(
    *,
    client: HostName,
    write: Annotated[bool, _switch] = False,
    project: Annotated[bool, _switch] = False,
    file: Path | None = None,
    url: str | None = None,
) -> int:
    """Print what a host needs in order to start ratelord, or write it into the host's file.

    Nothing in the file is lost, and the file as it was is kept beside it.

    Parameters
    ----------
    client
        The host.
    write
        Merge it into the host's file.
    project
        Use the file of the project in this folder instead of the user's.
    file
        Use this file.
    url
        Let the host's process connect to this daemon; never put a token there.
    """
    if url is not None:
        resolve(url, None, "")
    host, entry = HOSTS[client], _entry(url)
    path = file or file_of(host, project=Path.cwd() if project else None)
    if path is None:
        raise CommandFailed(f"{client} has no file for a project; leave --project out", USAGE)
    if not write:
        print(snippet(host, entry), end="")
        print(f"ratelord: this belongs into {path}; --write puts it there", file=sys.stderr)
        return DONE
    _tell(change(path, lambda text: merged(text, host, entry)))
    return DONE


def instructions(*, write: Path | None = None) -> int:
    """Print the block for agents' files of instructions (AGENTS.md, CLAUDE.md), or put it there.

    A block that is there already is replaced; the rest of the file stays.

    Parameters
    ----------
    write
        Put it into this file.
    """
    if write is None:
        print(block.BLOCK, end="")
    else:
        _tell(change(write, block.merged))
    return DONE


def _entry(url: str | None) -> Entry:
    args = ("mcp",) if url is None else ("mcp", "--url", url)
    folder = Path(sys.executable).absolute().parent  # hosts search no PATH that we know of
    for name in ("ratelord", "ratelord.exe"):
        if (folder / name).is_file():
            return Entry(str(folder / name), args)
    return Entry(sys.executable, ("-m", "ratelord_core.cli", *args))


def _tell(done: Change) -> None:
    if not done.changed:
        say(f"{done.path} is up to date.")
    elif done.backup is None:
        say(f"Wrote {done.path}. Restart the host.")
    else:
        say(f"Changed {done.path}; as it was: {done.backup}. Restart the host.")
