"""``ratelord`` commands that start at once: a process that has everything loaded forks one for every
line it reads.

A line is JSON: ``words`` of the command, ``output`` (two files, for its standard output and error),
``limit`` (how far a file may grow, or null). The answer is the exit status, on a line of its own.
This process starts no thread and no loop, so that a fork is safe.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ratelord_core import plugins
from ratelord_core.cli.app import run


def main() -> None:
    for name in ("ratelord_core.daemon", "uvloop", "anyio.to_thread", "anyio._backends._asyncio"):
        importlib.import_module(name)
    loaded = plugins.load()
    with TemporaryDirectory() as folder:
        stores = loaded.named("ratelord_register_stores")
        stores["sqlite"].open_events(Path(folder) / "warm.db").close()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(_command(json.loads(line)))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _command(order: dict[str, Any]) -> int:
    for number, name in enumerate(order["output"], 1):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    if order["limit"] is not None:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit"], hard))
    code = run(order["words"])
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    main()
