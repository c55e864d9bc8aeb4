"""``ratelord`` commands that start at once: one process has everything loaded, and forks for each.

Run as ``python -m ratelord_core.testing.nursery_process``. An order is a line of JSON on standard
input: ``words`` of the command, its whole ``environment``, the ``folder`` to work in, and two files
that are appended to, ``output`` and ``errors``. The answers are lines: ``born PID``, and later
``ended PID CODE``. The end of the input ends this process and whatever it gave birth to. It
starts no thread and no loop, so that a fork is safe.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from ratelord_core import plugins
from ratelord_core.cli.app import run
from ratelord_core.replay import Blank
from ratelord_core.settings import load_settings

HEAVY: Final = (
    "anyio._backends._asyncio",
    "anyio.to_thread",
    "ratelord_core.cli.verbs.up",
    "ratelord_core.daemon",
    "uvicorn.protocols.http",
    "uvloop",
)
"""What a daemon loads besides its plugins."""


def main() -> None:
    """Load, and then take orders."""
    _load()
    gc.freeze()
    answers = os.dup(1)
    wakeup, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, _noted)
    living: set[int] = set()
    ordered = b""
    while True:
        ready = select.select([0, wakeup], [], [])[0]
        if wakeup in ready:
            os.read(wakeup, 4096)
        _tell_ends(living, answers)
        if 0 not in ready:
            continue
        read = os.read(0, 65_536)
        if not read:
            break
        *orders, ordered = (ordered + read).split(b"\n")
        for order in orders:
            pid = os.fork()
            if pid == 0:
                os.closerange(min(answers, wakeup, woken), max(answers, wakeup, woken) + 1)
                sys.exit(_become(json.loads(order)))
            living.add(pid)
            os.write(answers, b"born %d\n" % pid)
    for pid in living:
        os.kill(pid, signal.SIGKILL)


def _noted(_number: int, _frame: object) -> None:
    """A child ended: the wakeup descriptor says so."""


def _tell_ends(living: set[int], answers: int) -> None:
    for pid in [*living]:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            living.discard(pid)
            os.write(answers, b"ended %d %d\n" % (pid, os.waitstatus_to_exitcode(status)))


def _load() -> None:
    """What a daemon loads only when it needs it, too."""
    for name in HEAVY:
        importlib.import_module(name)
    load_settings()
    loaded = plugins.load()
    for hook in ("ratelord_register_providers", "ratelord_register_policy_actions"):
        loaded.named(hook)
    with TemporaryDirectory() as folder:
        stores = loaded.named("ratelord_register_stores")
        stores["sqlite"].open_events(Path(folder) / "warm.db").close()
    models = loaded.named("ratelord_register_forecast_models", "model_id")
    Blank(loaded.named("ratelord_register_graphs")["networkx"], models["linear"]).state()


def _become(order: dict[str, Any]) -> int:
    """Be the command that was ordered; its exit code."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, order["output"]), (2, order["errors"])):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    sys.argv = ["ratelord", *order["words"]]
    return run(order["words"])


if __name__ == "__main__":
    main()
