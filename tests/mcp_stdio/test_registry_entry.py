"""What the registry of MCP servers is told agrees with what is released."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from ratelord_core import __version__

ROOT = Path(__file__).parents[2]
SERVER = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_it_names_the_package_and_its_version() -> None:
    (package,) = SERVER["packages"]

    assert package["identifier"] == PROJECT["name"]
    assert package["version"] == SERVER["version"] == __version__
    assert package["transport"] == {"type": "stdio"}


def test_what_the_registry_starts_is_a_verb_of_the_package_s_script() -> None:
    (package,) = SERVER["packages"]

    assert package["identifier"] in PROJECT["scripts"], "a runner starts the script of that name"
    assert [argument["value"] for argument in package["packageArguments"]] == ["mcp"]


def test_the_readme_claims_the_name() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert f"<!-- mcp-name: {SERVER['name']} -->" in readme


def test_it_keeps_the_bounds_of_its_schema() -> None:
    assert re.search(r"/schemas/\d{4}-\d\d-\d\d/server\.schema\.json$", SERVER["$schema"])
    assert re.fullmatch(r"[a-zA-Z0-9.-]{3,}/[a-zA-Z0-9._-]+", SERVER["name"])
    assert 1 <= len(SERVER["description"]) <= 100
    assert 1 <= len(SERVER["title"]) <= 100
    (package,) = SERVER["packages"]
    assert {"registryType", "identifier", "transport"} <= set(package)
    assert all(variable["name"] for variable in package["environmentVariables"])
    assert [v["isSecret"] for v in package["environmentVariables"] if "TOKEN" in v["name"]] == [
        True
    ]
