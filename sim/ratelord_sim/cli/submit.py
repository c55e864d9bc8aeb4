"""``ratelord-sim submit``: let a daemon play a scenario, in a process beside its own work."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ratelord_core.cli.options import Json
from ratelord_core.cli.outcome import DONE, FAILED, CommandFailed

if TYPE_CHECKING:
    from ratelord import Client

_PAUSE = 0.2


def submit(
    scenario: Annotated[str, Parameter(help="A file, or the name of a shipped scenario.")],
    /,
    *,
    seed: int | None = None,
    target: str | None = None,
    token_env: str | None = None,
    json: Json = False,
) -> int:
    """Let a daemon play a scenario in virtual time; wait for it and tell what came of it.

    Exit code 0 only if every invariant holds. Interrupted, it breaks the simulation off.

    Parameters
    ----------
    seed
        Another seed than the file's.
    target
        The daemon's address or the path of its socket; RATELORD_URL, if not given.
    token_env
        The environment variable that has the token; RATELORD_TOKEN, if not given.
    """
    from ratelord_sim.cli.screen import show
    from ratelord_sim.live.tour import Target
    from ratelord_sim.result import encode

    told = _content(scenario)
    with Target(target, token_env=token_env).blocking_client() as client:
        begun = client.simulate(told, seed)
        try:
            done = _wait(client, begun["simulation_id"])
        except KeyboardInterrupt:
            client.cancel_simulation(begun["simulation_id"])
            raise
    if done["result"] is None:
        raise CommandFailed(f"the simulation is {done['status']}: {done['error'] or 'by somebody'}")
    if json or not sys.stdout.isatty():
        sys.stdout.buffer.write(encode(done["result"]))
        sys.stdout.buffer.flush()
    else:
        show([done["result"]], to_people_aside=False)
    return DONE if done["success"] else FAILED


def _content(scenario: str) -> str | dict[str, Any]:
    """The name of a shipped scenario, or what is in the file."""
    import yaml

    from ratelord_sim import library
    from ratelord_sim.cli.named import the_one

    path = the_one(scenario)
    if library.shipped().get(path.stem) == path:
        return path.stem
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{path} cannot be read; see ratelord-sim check {path}") from error
    if not isinstance(found, dict):
        raise CommandFailed(f"{path} is no scenario; see ratelord-sim check {path}")
    return found


def _wait(client: Client, simulation_id: str) -> dict[str, Any]:
    """Look until it is over; a line of progress on a terminal."""
    shown = sys.stderr.isatty()
    while True:
        found = client.simulation(simulation_id)
        if shown:
            print(f"\r{found['progress']:4.0%} {found['scenario']}", end="", file=sys.stderr)
        if found["status"] not in ("reading", "running"):
            if shown:
                print(file=sys.stderr)
            return found
        time.sleep(_PAUSE)
