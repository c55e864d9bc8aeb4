"""What really gets loaded, in a clean interpreter: the run-time twins of the import contracts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache

import pytest

HEAVY = {
    "alembic",
    "cel_expr_python",
    "mcp",
    "networkx",
    "numpy",
    "scipy",
    "sqlalchemy",
    "sqlmodel",
}
"""Costs 0.3 to 1.4 seconds each: whoever needs one imports it when it is needed."""

WEB = {"aiohttp", "fastapi", "httpx", "httpx2", "requests", "starlette", "uvicorn"}
SCREEN = {"cyclopts", "rich", "textual"}
STORES = {"nats", "psycopg", "redis", "sqlite3"}

PURE = ("model", "events", "ledger", "projections", "graph", "forecast", "policy")
PLUGINS = {
    "ratelord_sql": WEB | SCREEN | {"networkx", "scipy"},
    "ratelord_networkx": WEB | SCREEN | STORES | {"sqlalchemy", "sqlmodel", "scipy"},
    "ratelord_bootstrap": WEB | SCREEN | STORES | HEAVY,
    "ratelord_ensemble": WEB | SCREEN | STORES | HEAVY,
    "ratelord_gamma": WEB | SCREEN | STORES | HEAVY,
    "ratelord_linear": WEB | SCREEN | STORES | {"sqlalchemy", "sqlmodel", "networkx"},
    "ratelord_actions": WEB | SCREEN | STORES | HEAVY,
    "ratelord_pid": WEB | SCREEN | STORES | HEAVY,
    "ratelord_mock": WEB | SCREEN | STORES | HEAVY,
    "ratelord_github": SCREEN | STORES | HEAVY | {"starlette", "uvicorn"},
    "ratelord_headers": WEB | SCREEN | STORES | HEAVY,
    "ratelord_openai": WEB | SCREEN | STORES | HEAVY,
    "ratelord_anthropic": WEB | SCREEN | STORES | HEAVY,
    "ratelord_gemini": WEB | SCREEN | STORES | HEAVY,
    "ratelord_federation": WEB | SCREEN | STORES | HEAVY,
    "ratelord_proxy": WEB | SCREEN | STORES | HEAVY,
    "ratelord_sim": WEB | SCREEN | STORES | HEAVY,
}


def test_importing_the_core_loads_nothing_but_the_hook_page() -> None:
    bare = _loaded("")  # what the environment itself brings: hooks of editable installs, for one
    strangers = _loaded("import ratelord_core") - bare - set(sys.stdlib_module_names)

    assert strangers <= {"ratelord_core", "pluggy"}


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_loads_no_web_database_or_screen_library(room: str) -> None:
    loaded = _loaded(f"import pkgutil, importlib\n{_every_module(f'ratelord_core.{room}')}")

    assert not loaded & (WEB | SCREEN | STORES | {"sqlalchemy", "sqlmodel", "mcp"})


@pytest.mark.parametrize("package", PLUGINS)
def test_registering_a_plugin_loads_only_what_it_may(package: str) -> None:
    loaded = _loaded(f"import {package}.plugin")

    assert not loaded & PLUGINS[package]
    assert not loaded & (PLUGINS.keys() - {package}), "plugins do not know each other"


def test_the_client_loads_nothing_of_the_daemon() -> None:
    loaded = _loaded("import ratelord")

    assert not loaded & {"ratelord_core", *PLUGINS, "starlette", "uvicorn", *HEAVY}


def test_help_loads_none_of_the_heavy_libraries() -> None:
    asked = (
        "import sys\n"
        "sys.argv = ['ratelord', '--help']\n"
        "from ratelord_core.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    ran = True\n"
    )

    assert not _loaded(asked) & (HEAVY | {"starlette", "uvicorn"})


def _every_module(package: str) -> str:
    return (
        f"import {package} as room\n"
        "for found in pkgutil.walk_packages(room.__path__, room.__name__ + '.'):\n"
        "    importlib.import_module(found.name)"
    )


@cache
def _loaded(code: str) -> frozenset[str]:
    """The top-level names of all modules that a fresh interpreter has loaded after the code."""
    marker = "loaded-modules:"
    code += f"\nimport sys, json\nprint({marker!r} + json.dumps(sorted(sys.modules)))"
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "COVERAGE_"))
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd="/",
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    names = json.loads(done.stdout.rsplit(marker, 1)[1])
    return frozenset(name.partition(".")[0] for name in names)
