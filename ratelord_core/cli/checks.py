"""What can be wrong before a daemon starts, each as a check with its next step."""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from ratelord import Client
    from ratelord_core.settings import Settings
    from ratelord_core.store import StoreFactory

State = Literal["ok", "warning", "failed"]

OLDEST_PYTHON = (3, 11)
_PROCESS = re.compile(r"process \d+")
LEAST_FREE_BYTES = 100 * 1024 * 1024
FIRST_SANE_SECOND = 1_735_689_600  # 2025-01-01: an earlier clock was never set
MARKS: dict[str, str] = {"ok": "✓", "warning": "!", "failed": "✗"}


class Check(NamedTuple):
    """One thing that was looked at; ``next_step`` is empty when nothing is to be done."""

    name: str
    state: State
    detail: str
    next_step: str = ""


def run_checks(settings: Settings) -> Iterator[Check]:
    """Every check, in the order in which a start would need them."""
    yield python()
    yield clock(time.time())
    yield folder(settings.db_path)
    yield disk(settings.db_path.parent)
    yield plugins(settings)
    yield log(settings)
    yield policy(settings)
    yield address(settings)
    yield timeout()
    yield tokens_hidden()


def python() -> Check:
    """Which Python this is: an installer refuses one that is too old, a bare checkout does not."""
    found = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return Check("python", "failed", found, "install Python 3.11 or newer")
    return Check("python", "ok", f"{found} ({sys.executable})")


def clock(now: float) -> Check:
    """Whether the wall clock was ever set (``now`` in seconds since the epoch)."""
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < FIRST_SANE_SECOND:
        return Check("clock", "failed", f"it is {shown}?", "set the clock; windows depend on it")
    return Check("clock", "ok", shown)


def folder(log: Path) -> Check:
    """Whether the log's folder can be written; a start makes the default one and no other."""
    from ratelord_core.settings import default_db_path

    path = log.parent
    existing = next(each for each in (path, *path.parents) if each.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Check(
            "folder", "failed", f"{existing} cannot be written", "choose another with --db PATH"
        )
    if path.exists():
        return Check("folder", "ok", str(path))
    if log != default_db_path():
        step = "create it, or choose another with --db PATH"
        return Check("folder", "failed", f"there is no folder {path}", step)
    return Check("folder", "ok", f"{path} (will be made)")


def disk(path: Path) -> Check:
    """Whether there is room for the log to grow."""
    existing = next(each for each in (path, *path.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    shown = f"{free / 1024**2:,.0f} MiB free"
    if free < LEAST_FREE_BYTES:
        return Check("disk", "failed", shown, f"free some space on {existing}")
    return Check("disk", "ok", shown)


def plugins(settings: Settings) -> Check:
    """Whether every plugin can be loaded, and one offers the store and the graph that are set."""
    from ratelord_core import plugins as installed
    from ratelord_core.errors import PluginError

    found = installed.survey(settings.without)
    broken = [info for info in found if info.state == "broken"]
    if broken:
        return Check(
            "plugins",
            "failed",
            "; ".join(info.error for info in broken),
            f"repair it, or leave it out: ratelord up --without {broken[0].name}",
        )
    try:
        loaded = installed.load(settings.without)
    except PluginError as error:
        what, _, step = str(error).partition("; ")
        return Check("plugins", "failed", what, step)
    for setting in ("store", "graph"):
        offered, name = loaded.named(f"ratelord_register_{setting}s"), getattr(settings, setting)
        if name not in offered:
            step = f"choose one of {', '.join(sorted(offered)) or 'none'}"
            return Check("plugins", "failed", f"there is no {setting} {name!r}", step)
    return Check("plugins", "ok", ", ".join(info.name for info in found if info.state == "loaded"))


def log(settings: Settings) -> Check:
    """Whether the log opens, in a form that this version knows, and who holds it."""
    from ratelord_core import plugins as installed
    from ratelord_core.errors import PluginError, StoreCorrupt, StoreError, StoreLocked, StoreNewer

    path = settings.db_path.absolute()
    if not path.exists():
        return Check("log", "ok", f"{path} (will be made)")
    try:
        stores = installed.load(settings.without).named("ratelord_register_stores")
        if settings.store not in stores:
            return Check("log", "warning", f"{path}: not opened", "see plugins above")
        return _opened(stores[settings.store], path)
    except StoreLocked as error:
        holder = _PROCESS.search(str(error))
        by = f" by {holder.group()}" if holder else ""
        return Check("log", "ok", f"{path}: in use{by}")
    except (StoreCorrupt, StoreNewer) as error:
        what, _, step = str(error).partition("; ")
        return Check("log", "failed", what, step or "restore it from a copy")
    except (StoreError, PluginError) as error:
        return Check("log", "warning", str(error))


def _opened(factory: StoreFactory, path: Path) -> Check:
    with closing(factory.open_events(path, exclusive=False)) as beside:
        count = beside.head().seq
    # The lock is taken for a moment, to see whether somebody else has it.
    factory.open_events(path, exclusive=True).close()
    return Check("log", "ok", f"{path}: {count:,} events, nobody has it open")


def policy(settings: Settings) -> Check:
    """Whether the policy file could come into force."""
    from ratelord_core import plugins as installed
    from ratelord_core.cli.policy_file import read_policy
    from ratelord_core.errors import PluginError, PolicyError, SettingsError

    path = settings.policy_path
    if path is None:
        return Check("policy", "ok", "no file: nothing but capacity limits anybody")
    try:
        document = read_policy(path, installed.load(settings.without))
    except PluginError:
        return Check("policy", "warning", "not read: a plugin is broken", "see plugins above")
    except PolicyError as error:
        first, *others = str(error).splitlines()
        more = f" and {len(others)} more" if others else ""
        return Check("policy", "failed", first + more, f"see: ratelord policy check {path}")
    except SettingsError as error:
        return Check("policy", "failed", str(error), f"see: ratelord policy check {path}")
    except OSError as error:
        return Check("policy", "failed", f"{path}: {error.strerror}", "name another with --policy")
    return Check("policy", "ok", f"{path}, version {document.version[:12]}")


def address(settings: Settings) -> Check:
    """Whether a daemon answers there, or one could."""
    from ratelord import Client

    where = f"{settings.host}:{settings.port}"
    scheme = "https" if settings.tls_cert else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if settings.port:
        with Client(f"{scheme}://{host}:{settings.port}", timeout=1.0) as client:
            if client.ping():
                return _running(client, where)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            step = "end what uses it, or choose another with --port"
            return Check("address", "failed", f"{where}: {error.strerror}", step)
    return Check("address", "ok", f"{where} is free; start the daemon: ratelord up")


def _running(client: Client, where: str) -> Check:
    """How the daemon is that answers there, as far as it tells."""
    from ratelord import RatelordError

    try:
        health = client.health()
    except RatelordError:  # it wants a token that nobody gave us
        return Check("address", "ok", f"a daemon answers at {where}")
    state = health.get("status", "ok")
    detail = f"a daemon answers at {where}, and is {state}"
    if state == "ok":
        return Check("address", "ok", detail)
    return Check("address", "warning", detail, "see why: ratelord status")


def timeout() -> Check:
    """Whether clients that start from here would know how long to wait for the daemon."""
    from ratelord.connection import patience

    try:
        return Check("timeout", "ok", f"clients wait {patience():g} s for the daemon")
    except ValueError as error:
        what, _, step = str(error).partition("; ")
        return Check("timeout", "failed", what, step)


def tokens_hidden() -> Check:
    """Whether files that hold secrets are for their owner only."""
    from ratelord_core.settings import config_file

    path = config_file()
    if not path.exists():
        return Check("secrets", "ok", "no configuration file")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077 and any(word in path.read_text(encoding="utf-8") for word in ("token", "key")):
        return Check("secrets", "warning", f"others may read {path}", f"chmod 600 {path}")
    return Check("secrets", "ok", str(path))
