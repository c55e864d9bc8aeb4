"""Daemons that start at once: a process that has everything loaded forks one for every line it reads.

Run as ``python nursery.py DATABASE POLICY``. For each line on standard input a daemon lives, in a
process of its own, on the same files and a free port; its address and its pid come on standard
output, and ``ended`` when it has. This process starts no thread and no loop, so that a fork is safe.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ratelord_core import plugins
from ratelord_core.daemon import run
from ratelord_core.policy.stack import load
from ratelord_core.replay import Blank
from ratelord_core.settings import Settings


def main(database: str, policy: str) -> None:
    settings = Settings(db_path=Path(database), policy_path=Path(policy), port=0)
    _warm(Path(policy))
    gc.freeze()
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(run(settings, announce=_say))
        _say(f"pid {pid}")
        os.waitpid(pid, 0)
        _say("ended")


def _warm(policy: Path) -> None:
    """Load what a daemon loads only when it needs it."""
    loaded = plugins.load()
    for name in ("anyio._backends._asyncio", "anyio.to_thread", "uvloop", "uvicorn.protocols.http"):
        importlib.import_module(name)
    stores = loaded.named("ratelord_register_stores")
    with TemporaryDirectory() as folder:
        stores["sqlite"].open_events(Path(folder) / "warm.db").close()
    actions = loaded.named("ratelord_register_policy_actions")
    kinds = frozenset(loaded.named("ratelord_register_providers"))
    models = loaded.named("ratelord_register_forecast_models", "model_id")
    load(policy.read_bytes(), str(policy), actions, kinds)
    Blank(loaded.named("ratelord_register_graphs")["networkx"], models["linear"]).state()


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
