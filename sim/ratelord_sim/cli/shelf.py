"""``ratelord-sim list``: what is shipped."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from ratelord_core.cli.options import Json
from ratelord_core.cli.outcome import DONE


def list_(
    folder: Annotated[str | None, Parameter(help="A folder of your own.")] = None,
    /,
    *,
    json: Json = False,
) -> int:
    """List the scenarios that are shipped, or those in a folder."""
    from ratelord_core import parts
    from ratelord_core.cli.screen import print_json, print_table
    from ratelord_sim import library
    from ratelord_sim.scenario.reader import read_file

    loaded = parts.load()
    paths = library.find([folder] if folder else [])
    rows = [(path, read_file(path, loaded)) for path in paths]
    if json:
        print_json(
            [
                {"name": path.stem, "title": one.name, "description": one.description,
                 "seed": one.seed, "invariants": len(one.invariants), "path": str(path)}
                for path, one in rows
            ]
        )  # fmt: skip
        return DONE
    print_table(
        ("name", "title", "agents", "plays", "must hold"),
        [
            (
                path.stem,
                one.name,
                str(sum(group.count for group in one.agents)),
                f"{one.duration / 60_000_000:g} min",
                str(len(one.invariants)),
            )
            for path, one in rows
        ],
        right=("agents", "plays", "must hold"),
    )
    return DONE
