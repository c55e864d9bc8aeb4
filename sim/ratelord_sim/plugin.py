"""What the simulator registers: behaviours of its agents, and the verb ``ratelord sim``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratelord_core import hookimpl
from ratelord_core.verb import Verb

if TYPE_CHECKING:
    from ratelord_core.behavior import Behavior
    from ratelord_core.http.mounts import TableFactory


@hookimpl
def ratelord_register_behaviors() -> list[Behavior]:
    """Greedy, periodic, poisson, bursty, trace."""
    from ratelord_sim.actors.behaviors import BUILT_IN  # noqa: PLC0415 - a daemon needs none

    return list(BUILT_IN)


@hookimpl
def ratelord_register_verbs() -> list[Verb]:
    """``ratelord sim``, which is ``ratelord-sim``."""
    return [
        Verb(
            name="sim",
            help="Play scenarios: crowds of agents against the real engine, in virtual time.",
            target="ratelord_sim.cli.verb:app",
            group="Administer",
        )
    ]


@hookimpl
def ratelord_register_doors() -> list[TableFactory]:
    """``/v1/simulation``."""
    from ratelord_sim.server.door import SimulationDoors  # noqa: PLC0415 - for daemons only

    return [SimulationDoors()]
