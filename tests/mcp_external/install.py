"""Installs what others wrote and our tests run: ``python install.py FOLDER``.

The folder becomes a Python environment with Node in it and ``node_modules`` beside. What is there
already in the right versions is kept. Where nothing can be fetched, ``FOLDER/unreachable`` says why,
and the tests that need it are skipped with that reason.
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
PATIENCE = 300
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
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    for command in (
        [programs / "python", "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"],
        [programs / "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder],
    ):
        if (reason := run([str(word) for word in command], programs)) is not None:
            unreachable.write_text(reason, encoding="utf-8")
            print(reason)
            return 0
    done.write_text(wanted, encoding="utf-8")
    return 0


def run(command: list[str], programs: Path) -> str | None:
    """Run it; what went wrong."""
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    try:
        ended = subprocess.run(
            command,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{' '.join(command[:4])}: {error}"
    if ended.returncode == 0:
        return None
    lines = [line for line in ended.stdout.splitlines() if line.strip()]
    return f"{' '.join(command[:4])} failed: {lines[-1] if lines else ended.returncode}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
