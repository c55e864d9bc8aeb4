"""The hosts that we know: where each keeps its list of MCP servers, and in what form."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError

from ratelord_mcp.hosts import jsonc

HostName = Literal["claude-desktop", "claude-code", "cursor", "vscode", "codex"]
NAME: Final = "ratelord"


class Host(msgspec.Struct, frozen=True):
    """``root`` is the table of servers. ``typed``: an entry says its transport. ``user`` and
    ``project`` are files, below the folder that each names and below the project's folder."""

    root: str
    user: tuple[str, str]
    project: str | None = None
    typed: bool = False
    toml: bool = False


HOSTS: Final[dict[HostName, Host]] = {
    "claude-desktop": Host("mcpServers", ("settings", "Claude/claude_desktop_config.json")),
    "claude-code": Host("mcpServers", ("home", ".claude.json"), ".mcp.json", typed=True),
    "cursor": Host("mcpServers", ("home", ".cursor/mcp.json"), ".cursor/mcp.json"),
    "vscode": Host("servers", ("settings", "Code/User/mcp.json"), ".vscode/mcp.json", typed=True),
    "codex": Host("mcp_servers", ("codex", "config.toml"), ".codex/config.toml", toml=True),
}


class NotATable(ValueError):
    """Something else stands where a table of servers should be."""


class Entry(msgspec.Struct, frozen=True):
    """How a host starts the server."""

    command: str
    args: tuple[str, ...]

    def fields(self, host: Host) -> dict[str, Any]:
        """The same as the host writes it."""
        typed = {"type": "stdio"} if host.typed else {}
        return typed | {"command": self.command, "args": list(self.args)}


def file_of(
    host: Host,
    *,
    project: Path | None = None,
    system: str = sys.platform,
    environment: Mapping[str, str] | None = None,
) -> Path | None:
    """Where the host keeps its servers, for this user or for a project; None if it has no such
    file."""
    if project is not None:
        return None if host.project is None else project / host.project
    folder, file = host.user
    return _folder(folder, system, os.environ if environment is None else environment) / file


def snippet(host: Host, entry: Entry) -> str:
    """What a file with nothing else would hold."""
    if host.toml:
        return _merged_toml("", host, entry)
    whole = {host.root: {NAME: entry.fields(host)}}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def merged(text: str, host: Host, entry: Entry) -> str:
    """A file's text with the entry in it. Everything else stays, comments and what somebody added
    to the entry too. Raises ``ValueError`` for a text that cannot be read."""
    if host.toml:
        return _merged_toml(text, host, entry)
    if not text.strip():
        return snippet(host, entry)
    for field, value in entry.fields(host).items():
        text = jsonc.set_member(text, (host.root, NAME, field), value)
    return text


def _merged_toml(text: str, host: Host, entry: Entry) -> str:
    try:
        document = tomlkit.parse(text)
        servers = _table(document, host.root, tomlkit.table(is_super_table=True))
        ours = _table(servers, NAME, tomlkit.table())
        for field, value in entry.fields(host).items():
            if ours.get(field) != value:
                ours[field] = value
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise ValueError(str(error)) from error


def _table(of: Any, name: str, empty: Any) -> Any:
    found = of.setdefault(name, empty)
    if not isinstance(found, Mapping):
        raise NotATable(f"{name} is no table")
    return found


def _folder(kind: str, system: str, environment: Mapping[str, str]) -> Path:
    home = Path(environment.get("USERPROFILE" if system == "win32" else "HOME") or Path.home())
    if kind == "home":
        return home
    if kind == "codex":
        return Path(environment.get("CODEX_HOME") or home / ".codex")
    if system == "darwin":
        return home / "Library" / "Application Support"
    if system == "win32":
        return Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
