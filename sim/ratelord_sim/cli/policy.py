"""``ratelord-sim policy``: what a daemon must be told before a scenario is played against it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from ratelord_core.cli.options import Json
from ratelord_core.cli.outcome import DONE, USAGE, CommandFailed


def policy(
    scenario: Annotated[str, Parameter(help="A file, or the name of a shipped scenario.")],
    /,
    *,
    speed: float = 1.0,
    json: Json = False,
) -> int:
    """Print the policy file that a daemon needs for ``run --target``.

    Parameters
    ----------
    speed
        Seconds of the scenario that pass in each second; the same as for run.
    """
    import yaml

    from ratelord_core import parts
    from ratelord_core.cli.screen import print_json
    from ratelord_sim.cli.named import the_one
    from ratelord_sim.live.briefing import briefing
    from ratelord_sim.scenario.reader import read_file

    path = the_one(scenario)
    if not 0 < speed <= 1000:
        raise CommandFailed(f"--speed {speed:g} is not above 0 and up to 1000; choose one", USAGE)
    loaded = parts.load()
    told = briefing(read_file(path, loaded), loaded, speed)
    if json:
        print_json(told)
    else:
        print(yaml.safe_dump(told, sort_keys=False, allow_unicode=True), end="")
    return DONE
