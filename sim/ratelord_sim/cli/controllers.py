"""``ratelord-sim controllers``: which delay controller fits a load?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from ratelord_core.cli.options import Json
from ratelord_core.cli.outcome import DONE, USAGE, CommandFailed
from ratelord_core.errors import RatelordError

if TYPE_CHECKING:
    from ratelord_sim.contest.entrant import Entrant


def controllers(
    *scenarios: str,
    controller: Annotated[list[str] | None, Parameter(negative=())] = None,
    seeds: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 5,
    seed: Annotated[int, Parameter(validator=validators.Number(gte=0))] = 1,
    jobs: Annotated[int | None, Parameter(alias="-j", validator=validators.Number(gte=1))] = None,
    table: Path | None = None,
    json: Json = False,
) -> int:
    """Play loads with one delay controller after the other, and hold what they do side by side.

    Each takes the place of the controllers that the scenario's rules name: how much of a window is
    used up when it ends, refusals of the provider, fairness, how evenly it is used, waits.

    Parameters
    ----------
    scenarios
        Files, folders or names of shipped scenarios; those that are shipped for this, if none is
        given.
    controller
        A delay controller, with gains after a colon: pace, pid:kp=4,ki=40; none is without. May be
        repeated.
    seeds
        How many seeds each plays.
    seed
        The first of them.
    jobs
        How many play at the same time; the number of cores, if not given.
    table
        Write the tables as Markdown there.
    """
    import msgspec

    from ratelord_core.cli.screen import print_json, print_table
    from ratelord_sim import library
    from ratelord_sim.contest import table as tables
    from ratelord_sim.contest.contest import LOADS, contest

    if table is not None and not table.parent.is_dir():
        raise CommandFailed(f"{table}: there is no folder {table.parent}; make it first", USAGE)
    paths = library.find(scenarios or LOADS)
    entrants = _entrants(paths, controller)
    rounds = contest(paths, entrants, range(seed, seed + seeds), jobs=jobs, done=_progress)
    if table is not None:
        table.write_text(tables.markdown(rounds), encoding="utf-8")
    if json:
        print_json(msgspec.to_builtins(rounds))
        return DONE
    head = ("load", *tables.controllers(rounds))
    for title, cell in tables.TABLES:
        print(title)
        print_table(head, tables.rows(rounds, cell), right=head[1:])
        print()
    return DONE


def _entrants(paths: list[Path], named: list[str] | None) -> list[Entrant]:
    """Who plays; every scenario is read, and every gain checked, before the first one plays."""
    from ratelord_core import parts
    from ratelord_sim.contest.entrant import USUAL, entrant, with_entrant
    from ratelord_sim.scenario.reader import read_file

    loaded = parts.load()
    try:
        found = [entrant(one, loaded.controllers) for one in dict.fromkeys(named or USUAL)]
    except RatelordError as error:
        raise CommandFailed(f"--controller: {error}", USAGE) from error
    for path in paths:
        with_entrant(read_file(path, loaded), found[0], loaded.controllers)
    return found


def _progress(played: int, of: int) -> None:
    """A line that is written over, on a terminal."""
    if sys.stderr.isatty():
        end = "\n" if played == of else ""
        print(f"\r{played} of {of} rounds", end=end, file=sys.stderr, flush=True)
